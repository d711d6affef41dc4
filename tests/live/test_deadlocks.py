"""Deadlocks of real programs, and the same programs put right, recorded all at once."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from live.recording import analyze, record, running, said

pytestmark = [pytest.mark.live, pytest.mark.go]

# By mode of the program: kind of deadlock, functions of its members, how many wait behind them.
STUCK: dict[str, tuple[str, list[str], int]] = {
    "cycle": ("cycle", ["main.transfer"] * 2, 1),
    "cycle-of-three": ("cycle", ["main.transfer"] * 3, 0),
    "channels": ("cycle", ["main.pingPong"] * 2, 0),
    "stuck-holder": ("stuck holder", ["main.waitForAnswer"], 1),
    "gone": ("no holder", ["main.visit"], 0),
    "self": ("no holder", ["main.again"], 0),
    "upgrade": ("no holder", ["main.upgrade"], 0),
}
RIGHT = [
    "cycle-ordered",
    "stuck-holder-answered",
    "busy-holder",
    "self-once",
    "channels-started",
]


@pytest.fixture(scope="module")
def found(
    tmp_path_factory: pytest.TempPathFactory, go_binary: Callable[..., Path]
) -> dict[str, list[dict[str, Any]]]:
    """The deadlocks of each mode."""
    out = tmp_path_factory.mktemp("deadlocks") / "trace"
    binary = go_binary("deadlocks.go", mode="stripped")
    with contextlib.ExitStack() as stack:
        programs = {mode: stack.enter_context(running([binary, mode])) for mode in [*STUCK, *RIGHT]}
        for program in programs.values():
            said(program.stdout, "^ready")
        pids = [option for p in programs.values() for option in ("--pid", str(p.pid))]
        done = record(out, *pids, "--duration", "1s", timeout=120)
        assert done.returncode == 0, done.stderr
    listed = analyze("deadlocks", "--json", out)
    assert listed.returncode == 0, listed.stderr
    deadlocks = json.loads(listed.stdout)
    return {mode: [d for d in deadlocks if d["pid"] == p.pid] for mode, p in programs.items()}


@pytest.mark.parametrize("mode", STUCK)
def test_a_deadlock_is_found(found: dict[str, list[dict[str, Any]]], mode: str) -> None:
    (deadlock,) = found[mode]
    assert (
        deadlock["kind"],
        [member["function"] for member in deadlock["members"]],
        len(deadlock["behind"]),
    ) == STUCK[mode]
    assert deadlock["verdict"] == "deadlock"
    assert "By a search of the memory" in deadlock["evidence"][-1]
    goids = [member["goid"] for member in deadlock["members"]]
    assert len({*goids, *deadlock["behind"]}) == len(goids) + len(deadlock["behind"])


@pytest.mark.parametrize("mode", RIGHT)
def test_put_right_there_is_none(found: dict[str, list[dict[str, Any]]], mode: str) -> None:
    assert found[mode] == []
