"""The check of the offsets on a live process: it passes the right ones and refuses wrong ones."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import toolchains
from goruntime.running import Parked, parked
from gtrace_rec import procfs
from gtrace_rec._errors import UnsupportedGoError
from gtrace_rec.goruntime import open_binary
from gtrace_rec.goruntime.check import check_offsets
from gtrace_rec.goruntime.offsets import Offsets, load_table
from gtrace_rec.goruntime.process import GoProcess
from gtrace_rec.goruntime.reader import take_snapshot
from gtrace_rec.goruntime.versions import SUPPORTED

pytestmark = pytest.mark.go

# Without these right, a recording or a snapshot would say what is not so.
FIELDS = (
    *("g.goid", "g.atomicstatus", "g.stack", "g.sched", "g.m", "g.waitreason", "g.waiting"),
    *("g.gopc", "g.startpc", "g.parentGoid", "g.waitsince", "gobuf.sp", "gobuf.pc"),
    *("m.curg", "m.procid", "sudog.g", "sudog.c"),
)
# A word to the side of these is one that may well be the same, or 0, which says nothing.
UNSEEN = ("g.waitsince", "sudog.c")


@pytest.fixture(scope="module")
def target() -> Iterator[Parked]:
    with parked(toolchains.NEWEST) as running:
        yield running


def with_offsets(process: GoProcess, values: dict[str, int]) -> GoProcess:
    """The process, believed to have its fields elsewhere."""
    binary = open_binary(process.binary.path)
    vars(binary)["offsets"] = Offsets(values, "a table")
    return GoProcess(process.pid, binary, process.load_bias)


@pytest.mark.parametrize("shift", [-8, 8])
@pytest.mark.parametrize("field", [f for f in FIELDS if f not in UNSEEN])
def test_a_field_elsewhere_is_refused(target: Parked, field: str, shift: int) -> None:
    offsets = target.process.binary.offsets
    right = offsets[field]
    if right + shift < 0:
        pytest.skip(f"{field} is at {right}")
    wrong = with_offsets(target.process, {**offsets, field: right + shift})
    with pytest.raises(UnsupportedGoError) as refusal:
        check_offsets(wrong)
    said = str(refusal.value)
    assert said.startswith(f"pid {target.process.pid}: go{toolchains.NEWEST}, but its goroutines")
    assert "where a table says" in said
    assert "(g at 0x" in said


@pytest.mark.parametrize("version", toolchains.TOOLCHAINS)
def test_of_all_tables_only_those_pass_that_say_the_same(version: str) -> None:
    with parked(version, "stripped") as running:
        right = running.process.binary.offsets
        for release in SUPPORTED:
            table = load_table(release)["offsets"]
            same = all(table.get(field) == right.get(field) for field in FIELDS)
            assert passes(with_offsets(running.process, table)) == same, release


def passes(process: GoProcess) -> bool:
    try:
        check_offsets(process)
    except UnsupportedGoError:
        return False
    return True


def test_processes_that_have_just_begun_pass(go_binary: Callable[..., Path]) -> None:
    binary = open_binary(go_binary("parked.go", mode="pie"))
    for pause in range(20):
        popen = subprocess.Popen([binary.path], stdout=subprocess.DEVNULL, stdin=subprocess.PIPE)
        try:
            time.sleep(pause / 20_000)
            # None before exec(2) has mapped it, which Popen does not wait for.
            while (bias := procfs.load_bias(popen.pid, binary)) is None:
                assert popen.poll() is None
            process = GoProcess(popen.pid, binary, bias)
            check_offsets(process)
            take_snapshot(process)
        finally:
            popen.kill()
            popen.communicate()
