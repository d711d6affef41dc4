"""Goroutines that nothing can wake: told from those that something can, by memory alone."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import toolchains
from gtrace_rec import procfs
from gtrace_rec.goruntime import open_binary
from gtrace_rec.goruntime.gstructs import WAITING
from gtrace_rec.goruntime.process import GoProcess
from gtrace_rec.goruntime.reach import UnsearchedError, find_unreachable
from gtrace_rec.goruntime.reader import take_snapshot
from gtrace_rec.goruntime.snapshot import Snapshot

pytestmark = pytest.mark.go

PROGRAMS = Path(__file__).parent.parent / "programs"
PROGRAM = PROGRAMS / "reach.go"
COPIES = 20
LOST = ["Receiver", "Sender", "Select", "Locker", "Waiter", "Cond", "Nil", "Empty", "Ring"]
HELD = [
    *("ByGlobal", "ByGlobalLock", "ByMap", "ByTimer", "Through", "ByBlocked", "BySelect"),
    *("ByFinalizer", "ByFinalized", "ByDefer", "ByDefers", "ByVariable", "ByArgument", "ByResult"),
    "ByPanic",
]


@pytest.fixture(
    scope="module",
    params=[(v, m) for v in toolchains.TOOLCHAINS for m in ("plain", "pie-stripped")],
    ids=lambda p: "-".join(p),
)
def process(request: pytest.FixtureRequest) -> Iterator[GoProcess]:
    path = toolchains.build(request.param[0], PROGRAM, request.param[1])
    with subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout
        assert running.stdout.readline() == b"blocked\n"
        binary = open_binary(path)
        bias = procfs.load_bias(running.pid, binary) if binary.pie else 0
        assert bias is not None
        yield GoProcess(running.pid, binary, bias)
        running.communicate(b"\n", timeout=10)


def judged(process: GoProcess) -> dict[int, Counter[str]]:
    """By verdict: the program's goroutines, by what their functions are called."""
    snapshot = take_snapshot(process)
    found = find_unreachable(process, snapshot, 1 << 30)
    verdicts: dict[int, Counter[str]] = {-1: Counter(), 0: Counter(), 1: Counter()}
    for row, verdict in zip(snapshot.rows, found.tolist(), strict=True):
        pcs = snapshot.stacks[row["stack"]].tolist() if row["stack"] >= 0 else []
        names = [f.function for pc in pcs for f in process.binary.symbolize(pc)]
        name = next((n for n in names if n.startswith(("main.lost", "main.held"))), "")
        verdicts[verdict][name.removeprefix("main.")] += 1
    return verdicts


def test_the_lost_are_found_and_none_else(process: GoProcess) -> None:
    verdicts = judged(process)
    assert not [name for name in verdicts[1] if not name.startswith("lost")]
    assert {f"held{name}" for name in HELD} <= set(verdicts[0])
    # A word left over on some stack may look like a reference, so one in a few may go unnoticed;
    # what waits on nothing at all is known for certain.
    for name in LOST:
        there = COPIES * (3 if name == "Ring" else 1)
        found = verdicts[1][f"lost{name}"]
        assert found >= (there if name in ("Nil", "Empty") else there - 3), name


def test_a_heap_over_the_limit_is_not_looked_at(process: GoProcess) -> None:
    with pytest.raises(UnsearchedError, match=r"^\d+M of its heap .* allows for 0M$"):
        find_unreachable(process, take_snapshot(process), 1000)


def test_one_that_has_run_since_it_was_read_is_not_judged() -> None:
    path = toolchains.build(toolchains.NEWEST, PROGRAMS / "hiding.go")
    with subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin
        assert running.stdout
        assert running.stdout.readline() == b"blocked\n"
        process = GoProcess(running.pid, open_binary(path), 0)
        line = _line_once_other_than(process, 0)
        before = take_snapshot(process)
        assert _verdict(process, before) == 1
        running.stdin.write(b"\n")
        running.stdin.flush()
        _line_once_other_than(process, line)
        assert _verdict(process, before) == -1
        assert _verdict(process, take_snapshot(process)) == 1
        running.communicate(timeout=10)


def _waiter(process: GoProcess, snapshot: Snapshot) -> tuple[int, int]:
    """Its row in a snapshot and the line of main.wait where it is blocked; 0 if it is not."""
    for row, goroutine in enumerate(snapshot.rows):
        pcs = snapshot.stacks[goroutine["stack"]].tolist() if goroutine["stack"] >= 0 else []
        for frame in [f for pc in pcs for f in process.binary.symbolize(pc)]:
            if frame.function == "main.wait":
                return row, frame.line if goroutine["status"] == WAITING else 0
    return -1, 0


def _line_once_other_than(process: GoProcess, line: int) -> int:
    deadline = time.monotonic() + 30
    while (now := _waiter(process, take_snapshot(process))[1]) in (0, line):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return now


def _verdict(process: GoProcess, snapshot: Snapshot) -> int:
    found = find_unreachable(process, snapshot, 1 << 30)
    return int(found[_waiter(process, snapshot)[0]])
