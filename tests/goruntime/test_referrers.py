"""Who may hold a lock: those whose stacks point at it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import toolchains
from gtrace_rec import procfs
from gtrace_rec.goruntime import open_binary
from gtrace_rec.goruntime.process import GoProcess
from gtrace_rec.goruntime.reach import find_unreachable
from gtrace_rec.goruntime.reader import take_snapshot
from gtrace_rec.goruntime.referrers import find_referrers

pytestmark = pytest.mark.go

PROGRAM = Path(__file__).parent.parent / "programs" / "deadlocks.go"
KINDS = [(v, m) for v in toolchains.TOOLCHAINS for m in ("plain", "pie-stripped")]


def referrers(version: str, mode: str, how: str) -> dict[int, tuple[int, list[int] | None]]:
    """By goid: what it waits on, and what it points at, for those that wait on something."""
    path = toolchains.build(version, PROGRAM, mode)
    with subprocess.Popen([path, how], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout
        assert running.stdout.readline() == b"ready\n"
        binary = open_binary(path)
        bias = procfs.load_bias(running.pid, binary) if binary.pie else 0
        assert bias is not None
        process = GoProcess(running.pid, binary, bias)
        snapshot = take_snapshot(process)
        snapshot.unreachable = find_unreachable(process, snapshot, 1 << 30)
        found = find_referrers(process, snapshot) or [None] * len(snapshot)
        running.communicate(b"\n", timeout=10)
    return {
        int(row["goid"]): (int(row["obj"]), refers)
        for row, refers in zip(snapshot.rows, found, strict=True)
        if row["obj"] and refers
    }


@pytest.mark.parametrize(("version", "mode"), KINDS)
def test_each_of_a_cycle_points_at_what_the_next_waits_for(version: str, mode: str) -> None:
    found = referrers(version, mode, "cycle-of-three")
    waits_on = {obj for obj, _ in found.values()}
    assert len(found) == len(waits_on) == 3
    held = set()
    for obj, refers in found.values():
        assert refers is not None
        (other,) = set(refers) - {obj}
        held.add(other)
    assert held == waits_on


@pytest.mark.parametrize(("version", "mode"), KINDS)
def test_where_no_lock_is_waited_for_nothing_is_looked_for(version: str, mode: str) -> None:
    assert referrers(version, mode, "self-once") == {}
