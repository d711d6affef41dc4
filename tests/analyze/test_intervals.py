"""States of goroutines, from events, snapshots and losses."""

from __future__ import annotations

from pathlib import Path

import pytest

from blueprint import Blueprint, check
from synth import Recording, alive

F = ["main.f main.go:1"]
STATES = "SELECT goid, state, ts, ts_end, began_by, ended_by FROM intervals ORDER BY goid, ts"
WAKES = "SELECT reason, wake, waker_goid, dur FROM waits ORDER BY ts"
CERTAIN = "SELECT goid, state, ts, certain FROM intervals ORDER BY goid, ts"


def whole_life() -> Recording:
    b = Recording()
    go = b.go(7, parent=1, ts=5, at="main.main main.go:12").run(8)
    go.park(10, "chan receive", F).ready(25, by=1).run(30).exit(40)
    return b


def out_of_sight() -> Recording:
    """Seen first in the middle of its life, by no snapshot."""
    b = Recording()
    b.go(7).ready(25, by=1).run(30)
    return b


def yields_and_loses_its_p() -> Recording:
    b = Recording()
    b.go(7, ts=1).run(2).yield_(5).run(6).syscall_lost_p(9).run(11).suspend(13).ready(14).run(15)
    return b


def system_calls() -> Recording:
    b = Recording(plan="full")
    b.go(7, ts=1).run(2).syscall_enter(3).syscall_exit(5).syscall_enter(6).syscall_lost_p(8).run(9)
    return b


def coroutines() -> Recording:
    b = Recording()
    b.go(7, ts=1).run(2)
    b.go(8).create_parked(3, parent=7)
    b.go(7).coro_switch(4, to=8)
    b.go(8).coro_switch(6, to=7)
    b.go(7).coro_switch(7, to=8)
    b.go(8).exit(9)
    return b


def unseen_switches() -> Recording:
    b = Recording(plan="lifecycle")
    b.go(8).create_parked(3, parent=7).exit(9)
    return b


def same_moment() -> Recording:
    """Events of one goroutine with the same time keep the order of the file."""
    b = Recording()
    b.go(7, ts=5).run(5).park(5, "select", F).ready(5).run(5).exit(5)
    return b


def over_several_parts() -> Recording:
    b = Recording()
    for turn in range(4):
        b.go(7).run(10 * turn + 1).park(10 * turn + 3, "sleep", F).ready(10 * turn + 9)
    return b


def snapshots() -> Recording:
    b = Recording()
    b.snapshot(
        10,
        alive(1, reason="select", waitsince=-500, stack=F),
        alive(2, reason="IO wait", stack=F),
        alive(3, status="running", tid=9),
        alive(4, status="runnable"),
        alive(5, status="syscall", tid=8),
        alive(6, reason="chan send", stack=F),
        alive(7, reason="sleep", stack=F),
        alive(8, status="dead"),
    )
    b.go(2).inject(20)
    b.go(6).ready(4, by=3).run(5)
    b.snapshot(90, alive(1, reason="select", stack=F), alive(99, reason="sleep", stack=F))
    return b


def park_plan() -> Recording:
    b = Recording(plan="park")
    b.go(7, parent=1, ts=5).park(10, "chan receive", F).ready(25, by=1).exit(40)
    return b


def lifecycle_plan() -> Recording:
    b = Recording(plan="lifecycle")
    b.go(7, parent=1, ts=5).exit(40)
    return b


def only_ends() -> Recording:
    """Of 7 only the end was seen; 8 was in a snapshot, too."""
    b = Recording(plan="lifecycle", duration=500)
    b.snapshot(10, alive(8, "running", at="main.main main.go:12"))
    b.go(7).exit(40)
    b.go(8).exit(50)
    return b


def only_ends_where_all_is_watched() -> Recording:
    b = Recording()
    b.go(7).exit(40)
    return b


def every_kind_of_wake() -> Recording:
    b = Recording()
    go = b.go(7, ts=0)
    for step, (reason, wake) in enumerate(
        [
            ("chan receive", lambda ts: go.ready(ts, by=1)),
            ("sleep", lambda ts: go.ready(ts)),
            ("IO wait", lambda ts: go.inject(ts)),
            ("GC worker (idle)", lambda ts: go.inject(ts)),
            ("GC assist wait", lambda ts: go.ready(ts)),
            ("chan send", lambda ts: go.park_undone(ts)),
        ]
    ):
        ts = 100 * (step + 1)
        go.run(ts).park(ts + 10, reason, F)
        wake(ts + 30 + step)
    return b


def losses() -> Recording:
    """Goroutine 7 waits over a gap, 8 between two gaps, 9 in a process that saw no gap."""
    b = Recording(duration=1000)
    b.go(7, ts=1).run(2).park(5, "select", F).ready(50).run(60)
    b.go(8, ts=21).run(22).park(25, "select", F).ready(28)
    b.go(9, ts=1, pid=5).run(2).park(5, "select", F).ready(50)
    return b.gap(10, 20, pid=4242).gap(15, 21, pid=4242).gap(30, 40, pid=4242)


def contradictions() -> Recording:
    b = Recording()
    b.go(7, ts=1).run(2).ready(4, by=1).run(6).exit(8).run(9)
    return b


def contradicted_by_the_first_event() -> Recording:
    """It had already begun to wait, past the instruction that is probed."""
    b = Recording()
    b.snapshot(10, alive(7, "running"))
    b.go(7).ready(20, by=1).run(30)
    return b


def only_snapshots() -> Recording:
    """1 waits on, noted by Go; 2 changes its place; 3 ends; 4 comes late; 5 was woken between.

    Of 6, a garbage collection that ended by 30 noted that it waited.
    """
    b = Recording(plan="snapshot", duration=100)
    g = ["main.g main.go:2"]
    one = {"reason": "select", "stack": F}
    five = {"reason": "sleep", "stack": F, "waitsince": 2}
    b.snapshot(
        10, alive(1, **one), alive(2, **one), alive(3, "running"), alive(5, **five),
        alive(6, **five),
    )  # fmt: skip
    b.snapshot(
        50, alive(1, waitsince=8, **one), alive(2, reason="select", stack=g), alive(4, **one),
        alive(5, **five | {"waitsince": 30}), alive(6, **five),
    )  # fmt: skip
    return b.snapshot(
        90, alive(1, waitsince=8, **one), alive(2, "syscall"), alive(4, **one),
        alive(6, **five),
    )  # fmt: skip


def lives_and_snapshots() -> Recording:
    """1 waits where it waited, and ends; 2 is made before it is read, 3 after; 4 ends while it is.

    5 is lent to a thread of C twice, and stands at the same place each time. Of 6, Go noted that it
    is in one wait each time that it is read.
    """
    b = Recording(plan="lifecycle", duration=100)
    one = {"reason": "select", "stack": F}
    six = {"reason": "sleep", "stack": F, "waitsince": 30}
    b.go(2, parent=1, ts=5)
    b.snapshot(10, alive(1, **one), alive(2, **one), alive(4, **one), alive(5, **one))
    b.go(3, parent=1, ts=20)
    b.go(6, parent=1, ts=25)
    b.go(5).exit(30).create_syscall(40)
    b.go(4).exit(49)
    b.snapshot(
        50, alive(1, **one), alive(2, "running"), alive(3, **one), alive(4, **one),
        alive(5, **one), alive(6, **six),
    )  # fmt: skip
    b.go(1).exit(70)
    return b.snapshot(
        90, alive(2, "runnable"), alive(3, "syscall"), alive(5, **one), alive(6, **six)
    )


BLUEPRINTS = [
    Blueprint(
        "from creations, ends and snapshots",
        lives_and_snapshots,
        "SELECT goid, state, ts, ts_end, began_by, ended_by, certain FROM intervals "
        "ORDER BY goid, ts",
        [
            (1, "waiting", 10, 70, "seen waiting", "exit", False),
            (2, None, 5, 10, "create", "seen waiting", True),
            (2, "waiting", 10, 50, "seen waiting", "then running", False),
            (2, None, 50, 90, "then running", "then runnable", False),
            (2, None, 90, None, "then runnable", None, False),
            (3, None, 20, 50, "create", "then waiting", True),
            (3, "waiting", 50, 90, "then waiting", "then syscall", False),
            (3, "syscall", 90, None, "then syscall", None, False),
            (4, "waiting", 10, 49, "seen waiting", "exit", False),
            (5, "waiting", 10, 30, "seen waiting", "exit", False),
            (5, None, 40, 50, "create_syscall", "then waiting", True),
            (5, "waiting", 50, None, "then waiting", None, False),
            (6, None, 25, 50, "create", "then waiting", True),
            (6, "waiting", 50, None, "then waiting", None, True),
        ],
    ),
    Blueprint(
        "from nothing but snapshots",
        only_snapshots,
        "SELECT goid, state, ts, ts_end, began_by, certain FROM intervals ORDER BY goid, ts",
        [
            (1, "waiting", 10, 30, "seen waiting", False),
            (1, "waiting", 30, None, "then waiting", True),
            (2, "waiting", 10, 50, "seen waiting", False),
            (2, "waiting", 50, 90, "then waiting", False),
            (2, "syscall", 90, None, "then syscall", False),
            (3, None, 10, 50, "seen running", False),
            (4, "waiting", 50, None, "then waiting", False),
            (5, "waiting", 2, 50, "seen waiting", True),
            (5, "waiting", 50, 90, "then waiting", True),
            (6, "waiting", 2, None, "seen waiting", True),
        ],
    ),
    Blueprint(
        "goroutines of snapshots: five at the start, one made, two ended",
        only_snapshots,
        "SELECT sum(at_start), sum(created), sum(ended), sum(live) FROM creation_sites",
        [(5, 1, 2, 4)],
    ),
    Blueprint(
        "a whole life",
        whole_life,
        STATES,
        [
            (7, "runnable", 5, 8, "create", "run"),
            (7, "running", 8, 10, "run", "park"),
            (7, "waiting", 10, 25, "park", "ready"),
            (7, "runnable", 25, 30, "ready", "run"),
            (7, "running", 30, 40, "run", "exit"),
        ],
    ),
    Blueprint(
        "nothing is known before the first event",
        out_of_sight,
        STATES,
        [(7, "runnable", 25, 30, "ready", "run"), (7, "running", 30, None, "run", None)],
    ),
    Blueprint(
        "open intervals count to the end, but have no length",
        out_of_sight,
        "SELECT dur, dur_seen FROM intervals WHERE ts_end IS NULL",
        [(None, 10**9 - 30)],
    ),
    Blueprint(
        "yield, lost P and suspension",
        yields_and_loses_its_p,
        "SELECT state, ts, reason FROM intervals ORDER BY ts",
        [
            ("runnable", 1, None),
            ("running", 2, None),
            ("runnable", 5, None),
            ("running", 6, None),
            ("runnable", 9, None),
            ("running", 11, None),
            ("waiting", 13, "preempted"),
            ("runnable", 14, None),
            ("running", 15, None),
        ],
    ),
    Blueprint(
        "none of that is illegal",
        yields_and_loses_its_p,
        "SELECT name FROM health WHERE severity = 'warning'",
        [],
    ),
    Blueprint(
        "system calls",
        system_calls,
        "SELECT state, ts, ts_end FROM intervals ORDER BY ts",
        [
            ("runnable", 1, 2),
            ("running", 2, 3),
            ("syscall", 3, 5),
            ("running", 5, 6),
            ("syscall", 6, 8),
            ("runnable", 8, 9),
            ("running", 9, None),
        ],
    ),
    Blueprint(
        "coroutines hand the thread over",
        coroutines,
        STATES,
        [
            (7, "runnable", 1, 2, "create", "run"),
            (7, "running", 2, 4, "run", "coro_switch"),
            (7, "waiting", 4, 6, "coro_switch", "coro_resume"),
            (7, "running", 6, 7, "coro_resume", "coro_switch"),
            (7, "waiting", 7, None, "coro_switch", None),
            (8, "waiting", 3, 4, "create_parked", "coro_resume"),
            (8, "running", 4, 6, "coro_resume", "coro_switch"),
            (8, "waiting", 6, 7, "coro_switch", "coro_resume"),
            (8, "running", 7, 9, "coro_resume", "exit"),
        ],
    ),
    Blueprint(
        "moments on the wall clock",
        whole_life,
        "SELECT epoch_ns(wall_time(ts)) FROM waits",
        [(1_700_000_000_000_000_010,)],
    ),
    Blueprint(
        "coroutines whose switches were not watched",
        unseen_switches,
        STATES,
        [(8, None, 3, 9, "create_parked", "exit")],
    ),
    Blueprint(
        "coroutines wake each other",
        coroutines,
        WAKES,
        [
            ("coroutine", "goroutine", 7, 1),
            ("coroutine", "goroutine", 8, 2),
            ("coroutine", "goroutine", 7, 1),
            ("coroutine", None, None, None),
        ],
    ),
    Blueprint(
        "events of one moment",
        same_moment,
        "SELECT state, began_by, ended_by, dur FROM intervals",
        [
            ("runnable", "create", "run", 0),
            ("running", "run", "park", 0),
            ("waiting", "park", "ready", 0),
            ("runnable", "ready", "run", 0),
            ("running", "run", "exit", 0),
        ],
    ),
    Blueprint(
        "the first snapshot tells the state before the first event",
        snapshots,
        STATES,
        [
            (1, "waiting", -500, None, "seen waiting", None),
            (2, "waiting", 10, 20, "seen waiting", "inject"),
            (2, "runnable", 20, None, "inject", None),
            (3, "running", 10, None, "seen running", None),
            (4, "runnable", 10, None, "seen runnable", None),
            (5, "running", 10, None, "seen running", None),
            # Its own events came before it was read.
            (6, "runnable", 4, 5, "ready", "run"),
            (6, "running", 5, None, "run", None),
            (7, "waiting", 10, None, "seen waiting", None),
        ],
    ),
    Blueprint(
        "without probes on run, only waiting is known",
        park_plan,
        STATES,
        [
            (7, None, 5, 10, "create", "park"),
            (7, "waiting", 10, 25, "park", "ready"),
            (7, None, 25, 40, "ready", "exit"),
        ],
    ),
    Blueprint(
        "with creation and exit only, no state is known",
        lifecycle_plan,
        "SELECT state, ts, ts_end, certain FROM intervals",
        [(None, 5, 40, True)],
    ),
    Blueprint(
        "and no time in a state",
        lifecycle_plan,
        "SELECT ts, ts_end, state, running_ns, runnable_ns, waiting_ns FROM goroutines",
        [(5, 40, "dead", None, None, 0)],
    ),
    Blueprint(
        "who was only seen to end is known, as far as that tells",
        only_ends,
        "SELECT goid, ts, ts_end, first_ts, state, created_at, certain FROM goroutines",
        [
            (7, None, 40, 40, "dead", None, False),
            (8, None, 50, 10, "dead", "main.go:12", False),
        ],
    ),
    Blueprint(
        "and what it did before is not known",
        only_ends_where_all_is_watched,
        "SELECT running_ns, runnable_ns, waiting_ns, syscall_ns, waits, lives FROM goroutines",
        [(None, None, None, None, 0, 1)],
    ),
    Blueprint(
        "nor where it came from",
        only_ends,
        "SELECT value FROM health WHERE name = 'unknown_origin'",
        [(1,)],
    ),
    Blueprint(
        "who was only seen to end was not seen alive",
        only_ends,
        "SELECT ts, live FROM live_goroutines WHERE created_at IS NULL",
        [(40, 0)],
    ),
    Blueprint(
        "who ended a wait; a park undone is none",
        every_kind_of_wake,
        WAKES,
        [
            ("chan receive", "goroutine", 1, 20),
            ("sleep", "timer", None, 21),
            ("IO wait", "netpoll", None, 22),
            ("GC worker (idle)", "runtime", None, 23),
            ("GC assist wait", "runtime", None, 24),
        ],
    ),
    Blueprint(
        "uncertain is what a gap of its process lies in",
        losses,
        CERTAIN,
        [
            (7, "runnable", 1, True),
            (7, "running", 2, True),
            (7, "waiting", 5, False),
            (7, "runnable", 50, True),
            (7, "running", 60, True),
            (8, "runnable", 21, True),
            (8, "running", 22, True),
            (8, "waiting", 25, True),
            (8, "runnable", 28, False),
            (9, "runnable", 1, True),
            (9, "running", 2, True),
            (9, "waiting", 5, True),
            (9, "runnable", 50, True),
        ],
    ),
    Blueprint(
        "gaps are merged",
        losses,
        "SELECT ts, ts_end FROM int_gaps WHERE pid = 4242 ORDER BY ts",
        [(10, 21), (30, 40)],
    ),
    Blueprint(
        "what Go's scheduler does not do makes the interval uncertain",
        contradictions,
        CERTAIN,
        [
            (7, "runnable", 1, True),
            (7, "running", 2, False),
            (7, "runnable", 4, True),
            (7, "running", 6, True),
            (7, "dead", 8, False),
            (7, "running", 9, True),
        ],
    ),
    Blueprint(
        "and is counted",
        contradictions,
        "SELECT value, description FROM health WHERE name = 'illegal_transitions'",
        [
            (1, "running was ended by ready 1 time, which Go's scheduler does not do"),
            (1, "dead was ended by run 1 time, which Go's scheduler does not do"),
        ],
    ),
    Blueprint(
        "a snapshot that is contradicted tells of no state",
        contradicted_by_the_first_event,
        CERTAIN,
        [(7, None, 10, False), (7, "runnable", 20, True), (7, "running", 30, True)],
    ),
    Blueprint(
        "nor of what Go's scheduler does not do",
        contradicted_by_the_first_event,
        "SELECT name, description FROM health WHERE severity = 'warning'",
        [
            (
                "uncertain_intervals",
                "1 of 3 intervals is uncertain: something was lost within it",
            )
        ],
    ),
]


@pytest.mark.parametrize("blueprint", BLUEPRINTS, ids=str)
def test_blueprint(blueprint: Blueprint, tmp_path: Path) -> None:
    check(blueprint, tmp_path)


def test_a_life_over_several_files(analyzed) -> None:
    rows = analyzed(over_several_parts(), parts=5).rows("SELECT state, ts, ts_end FROM intervals")
    whole = analyzed(over_several_parts()).rows("SELECT state, ts, ts_end FROM intervals")
    assert sorted(rows, key=repr) == sorted(whole, key=repr)
    assert len(rows) == 12


def test_a_failing_blueprint_tells_how_to_see_it(tmp_path: Path) -> None:
    wrong = Blueprint("wrong", whole_life, "SELECT 1 AS one", [(2,)])
    with pytest.raises(AssertionError, match="see it with: python -m gtrace_analyze sql"):
        check(wrong, tmp_path)
