"""The runtime's own records in a running program, found without symbols."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import toolchains
from gtrace_rec import procfs
from gtrace_rec.goruntime import open_binary
from gtrace_rec.goruntime.gstructs import all_gs
from gtrace_rec.goruntime.heap import Spans, Words, read_spans, read_words
from gtrace_rec.goruntime.ownrecords import heap_books, of_threads, ps
from gtrace_rec.goruntime.process import GoProcess

pytestmark = pytest.mark.go

PROGRAM = Path(__file__).parent.parent / "programs" / "reach.go"
PROCS = 3


@pytest.fixture(scope="module", params=toolchains.TOOLCHAINS)
def process(request: pytest.FixtureRequest) -> Iterator[GoProcess]:
    path = toolchains.build(request.param, PROGRAM, "pie-stripped")
    with subprocess.Popen(
        [path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"GOMAXPROCS": str(PROCS)},
    ) as running:
        assert running.stdout
        assert running.stdout.readline() == b"blocked\n"
        binary = open_binary(path)
        bias = procfs.load_bias(running.pid, binary) if binary.pie else 0
        assert bias is not None
        yield GoProcess(running.pid, binary, bias)
        running.communicate(b"\n", timeout=10)


@pytest.fixture
def spans(process: GoProcess) -> Spans:
    found = read_spans(process)
    assert found is not None
    return found


@pytest.fixture
def variables(process: GoProcess) -> Words:
    """The words of the program's global variables."""
    module = process.live(process.binary.module.vaddr)
    offsets = process.binary.offsets

    def bounds(*names: str) -> Words:
        words = [process.word(module + offsets[f"moduledata.{name}"]) for name in names]
        return np.array(words, np.uint64)

    words, _ = read_words(
        process, bounds("data", "bss") & ~np.uint64(7), bounds("edata", "ebss") & ~np.uint64(7)
    )
    return words


def test_every_p_is_found(process: GoProcess, variables: Words, spans: Spans) -> None:
    found = ps(process, variables, spans)
    starts = np.array([start for start, _ in found[:PROCS]], np.uint64)
    ids = process.words_at(starts, "p.id") & np.uint64(0xFFFFFFFF)
    assert ids.tolist() == list(range(PROCS))
    assert [start - end for (_, end), (start, _) in zip(found, found[PROCS:], strict=False)] == [
        128
    ] * PROCS


def test_every_thread_has_a_g0_and_a_gsignal_that_are_no_goroutines(
    process: GoProcess, variables: Words, spans: Spans
) -> None:
    found = of_threads(process, variables, spans)
    found = found[found != 0]
    ms = process.words_at(found, "g.m")
    assert (np.isin(found, process.words_at(ms, "m.g0"))).sum() == len(np.unique(ms))
    # That of the first thread, whose M is a variable, is one itself.
    threads = set((process.words_at(np.unique(ms), "m.procid") & np.uint64(0xFFFFFFFF)).tolist())
    assert threads >= set(process.threads()) - {process.pid}
    assert not np.isin(found, all_gs(process)).any()


def test_the_books_of_the_heap_end_where_the_list_of_spans_begins(
    process: GoProcess, spans: Spans
) -> None:
    ((start, end),) = heap_books(process)
    listed, count = process.word(end), process.word(end + 8)
    assert start < end
    assert len(spans.start) <= count
    first = process.words(np.array([listed], np.uint64))
    assert process.words_at(first, "mspan.npages")[0] > 0
