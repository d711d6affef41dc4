"""Goroutines that Go lends to threads of C: one life after the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from blueprint import Blueprint, check
from synth import Recording, alive

F = ["main.called main.go:1"]
STATES = "SELECT state, ts, ts_end, began_by, ended_by FROM intervals WHERE goid = 17 ORDER BY ts"
LIVES = (
    "SELECT goid, ts, ts_end, state, running_ns, waiting_ns, syscall_ns, lives, certain "
    "FROM goroutines ORDER BY goid"
)


def calls(plan: str) -> Recording:
    """Two lives of 17, of two threads; the second is not over."""
    b = Recording(plan=plan, duration=1000)
    go = b.go(17)
    go.create_syscall(5)
    if plan == "full":
        go.syscall_exit(6)
    go.park(10, "chan receive", F).ready(25, by=1)
    if plan != "park":
        go.run(30)
    if plan == "full":
        go.syscall_enter(40)
    go.exit(50).create_syscall(80)
    return b


def given_back() -> Recording:
    """17 ends for good; 18 was in C at the start, and then is lent once more."""
    b = Recording(plan="full", duration=1000)
    b.snapshot(10, alive(18, "syscall"))
    b.go(17).create_syscall(20).exit(30).create_syscall(40).exit(60)
    b.go(18).exit(50).create_syscall(90).exit(95)
    return b


def lost() -> Recording:
    """Lent again while events were lost, as the next snapshot finds."""
    b = Recording(plan="full", duration=1_000_000_000)
    b.snapshot(1, alive(1, reason="select", stack=F))
    b.go(17).create_syscall(5).exit(10)
    b.gap(20, 30, pid=4242)
    return b.snapshot(500_000_000, alive(17, "syscall"))


def only_snapshots() -> Recording:
    """Nobody has 17 in the second of three."""
    b = Recording(plan="snapshot", duration=100)
    other = alive(1, reason="select", stack=F)
    b.snapshot(10, other, alive(17, "syscall")).snapshot(50, other)
    return b.snapshot(90, other, alive(17, "syscall"))


def turn_by_turn() -> Recording:
    """17 was in C at the start, lives three times, and 18 once, from then on."""
    b = Recording(plan="full", duration=500)
    b.snapshot(10, alive(17, "syscall"))
    b.go(17).exit(100).create_syscall(200).syscall_exit(210).park(220, "select", F)
    b.go(17).ready(230).run(235).exit(240).create_syscall(300).exit(400)
    b.go(18).create_syscall(250)
    return b


BLUEPRINTS = [
    Blueprint(
        "between its calls it is in a system call",
        lambda: calls("full"),
        STATES,
        [
            ("syscall", 5, 6, "create_syscall", "syscall_exit"),
            ("running", 6, 10, "syscall_exit", "park"),
            ("waiting", 10, 25, "park", "ready"),
            ("runnable", 25, 30, "ready", "run"),
            ("running", 30, 40, "run", "syscall_enter"),
            ("syscall", 40, 50, "syscall_enter", "exit"),
            ("syscall", 80, None, "create_syscall", None),
        ],
    ),
    Blueprint(
        "which counts as running where system calls are not watched",
        lambda: calls("sched"),
        STATES,
        [
            ("running", 5, 10, "create_syscall", "park"),
            ("waiting", 10, 25, "park", "ready"),
            ("runnable", 25, 30, "ready", "run"),
            ("running", 30, 50, "run", "exit"),
            ("running", 80, None, "create_syscall", None),
        ],
    ),
    Blueprint(
        "and is not known where running is not",
        lambda: calls("park"),
        STATES,
        [
            (None, 5, 10, "create_syscall", "park"),
            ("waiting", 10, 25, "park", "ready"),
            (None, 25, 50, "ready", "exit"),
            (None, 80, None, "create_syscall", None),
        ],
    ),
    Blueprint(
        "a goroutine that lives again has not ended",
        lambda: calls("full"),
        LIVES,
        [(17, 5, None, "syscall", 14, 15, 11 + 920, 2, True)],
    ),
    Blueprint(
        "nor was it created here if it lived before",
        given_back,
        LIVES,
        [
            (17, 20, 60, "dead", 0, 0, 30, 2, True),
            (18, None, 95, "dead", 0, 0, 45, 2, True),
        ],
    ),
    Blueprint(
        "a life that began in a loss",
        lost,
        "SELECT state, ts, ts_end, began_by FROM intervals WHERE goid = 17 ORDER BY ts",
        [("syscall", 5, 10, "create_syscall"), ("syscall", 30, None, "then syscall")],
    ),
    Blueprint(
        "lives that nothing but snapshots tell of",
        only_snapshots,
        STATES,
        [
            ("syscall", 10, 50, "seen syscall", "then gone"),
            ("syscall", 90, None, "then syscall", None),
        ],
    ),
    Blueprint(
        "between two lives it is not alive",
        turn_by_turn,
        "SELECT ts, live FROM live_goroutines ORDER BY ts",
        [(0, 1), (100, 0), (200, 1), (240, 0), (250, 1), (300, 2), (400, 1)],
    ),
    Blueprint(
        "nor counted in a comparison",
        turn_by_turn,
        "SELECT block, value FROM comparison_blocks WHERE metric = 'alive' ORDER BY block",
        # Twentieths of 25 ns: from 0 to 100, 200 to 240 and 250 on; two of them from 300 to 400.
        [
            *((block, 1) for block in (*range(4), 8, *range(10, 12))),
            *((block, 2) for block in range(12, 16)),
            *((block, 1) for block in range(16, 20)),
        ],
    ),
    Blueprint(
        "nor while it is, unseen, given back",
        lost,
        "SELECT ts // 1_000_000, live FROM live_goroutines",
        [(0, 1)],
    ),
    *(
        Blueprint(
            f"nothing is illegal, nothing of unknown origin: {name}",
            recording,
            "SELECT name FROM health WHERE name IN ('illegal_transitions', 'unknown_origin')",
            [],
        )
        for name, recording in (
            ("calls", lambda: calls("full")),
            ("given back", given_back),
            ("lost", lost),
        )
    ),
]


@pytest.mark.parametrize("blueprint", BLUEPRINTS, ids=str)
def test_lent(blueprint: Blueprint, tmp_path: Path) -> None:
    check(blueprint, tmp_path)
