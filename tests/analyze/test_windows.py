"""Recordings in windows: what is known between them, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from blueprint import Blueprint, check
from gtrace_analyze.analyses import health
from gtrace_analyze.engine import connect
from synth import Recording, alive

F = ["main.f main.go:1"]
STATES = (
    "SELECT goid, state, ts, ts_end, began_by, ended_by, certain FROM intervals ORDER BY goid, ts"
)


def windows(*pauses: tuple[int, int]) -> Recording:
    """A recording of 1000 ns that begins with a snapshot of nothing but goroutine 1."""
    b = Recording(duration=1000)
    for ts, ts_end in pauses:
        b.gap(ts, ts_end, "probes off")
    return b.snapshot(0, alive(1, reason="chan receive"))


def woken_in_the_pause() -> Recording:
    b = windows((200, 800))
    b.go(7, ts=10).run(20).park(30, "chan receive", F)
    return b.snapshot(810, alive(7, reason="chan receive", stack=F), alive(1))


def woken_after_the_pause() -> Recording:
    """No snapshot tells what it did in between, nor the event who woke it."""
    b = windows((200, 800))
    b.go(7, ts=10).run(20).park(30, "chan receive", F).ready(900).run(910)
    return b


def woken_in_the_pause_and_blocked_as_go_noted() -> Recording:
    """By a garbage collection that was over when the next thing was noted, of another."""
    b = windows((200, 800))
    b.go(7, ts=10).run(20).park(30, "chan receive", F)
    return b.snapshot(
        810,
        alive(7, reason="chan receive", waitsince=150),
        alive(1, reason="select", waitsince=700),
    )


def one_wait_as_go_noted() -> Recording:
    b = windows((200, 400), (500, 800))
    b.go(7, ts=10).run(20).park(30, "chan receive", F)
    for ts in (410, 810):
        one = alive(1, reason="select", waitsince=190)
        b.snapshot(ts, alive(7, reason="chan receive", stack=F, waitsince=20), one)
    b.go(7).ready(900, by=1)
    return b


def noted_by_a_collection_that_may_lie_in_the_pause() -> Recording:
    """What is noted is when the collection before it ended: no moment of this wait."""
    b = windows((200, 400), (500, 800))
    b.go(7, ts=10).run(20).park(30, "chan receive", F)
    for ts in (410, 810):
        b.snapshot(ts, alive(7, reason="chan receive", stack=F, waitsince=150), alive(1))
    b.go(7).ready(900, by=1)
    return b


def noted_in_the_second_window() -> Recording:
    b = windows((200, 400), (500, 800))
    b.go(7, ts=10).run(20).park(30, "chan receive", F)
    b.snapshot(410, alive(7, reason="chan receive", stack=F))
    b.snapshot(810, alive(7, reason="chan receive", stack=F, waitsince=450))
    return b


def moved_before_it_was_read() -> Recording:
    b = windows((200, 800))
    b.go(7, ts=10).run(20).park(30, "chan receive", F)
    b.go(7).ready(805, by=1).run(807)
    b.go(1).park(806, "select")  # some other event of that window
    return b.snapshot(810, alive(7, status="running"))


def moved_after_it_was_read() -> Recording:
    b = windows((200, 800))
    b.go(7, ts=10).run(20)
    b.snapshot(810, alive(7, reason="select"))
    b.go(7).ready(820, by=1)
    return b


def past_the_probe_when_it_was_read() -> Recording:
    """7 had begun to wait, 8 and 9 had been woken, each by an instruction not yet probed."""
    b = windows((200, 800))
    for goid in (7, 8, 9):
        b.go(goid, ts=10).run(20).park(30, "chan receive", F)
    b.snapshot(
        810, alive(7, "running"), alive(8, reason="chan receive", stack=F), alive(9, "runnable")
    )
    b.go(7).ready(820, by=1)
    b.go(8).run(821)
    b.go(9).park(822, "select", F)
    return b


def gone() -> Recording:
    b = windows((200, 800))
    b.go(7, ts=10).run(20)
    return b.snapshot(810, alive(1))


def exited_before() -> Recording:
    b = windows((200, 800))
    b.go(7, ts=10).run(20).exit(30)
    return b.snapshot(810, alive(1))


def ends_in_a_pause() -> Recording:
    b = windows((200, 1000))
    b.go(7, ts=10).run(20)
    return b


def made_in_the_pause() -> Recording:
    b = windows((200, 800))
    return b.snapshot(810, alive(1), alive(7, reason="select", stack=F, at="main.main main.go:9"))


def running_from_the_pause() -> Recording:
    b = windows((200, 800))
    return b.snapshot(810, alive(1), alive(7, "running", at="main.main main.go:9"))


def pieces_that_abut() -> Recording:
    b = windows((200, 400), (400, 600), (600, 800))
    return b.snapshot(810, alive(1))


OF_7 = STATES.replace("intervals", "intervals WHERE goid = 7")
BEGUN = [(7, "runnable", 10, 20, "create", "run", True)]
RUN = [*BEGUN, (7, "running", 20, 30, "run", "park", True)]
CUT = [(7, "waiting", 30, 200, "park", "unseen", False)]

BLUEPRINTS = [
    Blueprint(
        "a wait is cut where its window ends, and a new one begins where it is seen again",
        woken_in_the_pause,
        OF_7,
        [
            *RUN,
            *CUT,
            (7, None, 200, 810, "unseen", "then waiting", False),
            (7, "waiting", 810, None, "then waiting", None, True),
        ],
    ),
    Blueprint(
        "a wait that began in the pause begins where Go noted it",
        woken_in_the_pause_and_blocked_as_go_noted,
        OF_7,
        [
            *RUN,
            *CUT,
            (7, None, 200, 700, "unseen", "then waiting", False),
            (7, "waiting", 700, None, "then waiting", None, True),
        ],
    ),
    Blueprint(
        "a wait that Go noted before the pause goes on through it, and is certain",
        one_wait_as_go_noted,
        OF_7,
        [
            *RUN,
            (7, "waiting", 30, 900, "park", "ready", True),
            (7, "runnable", 900, None, "ready", None, True),
        ],
    ),
    Blueprint(
        "a wait is one from the first snapshot on that shows what Go noted",
        noted_by_a_collection_that_may_lie_in_the_pause,
        OF_7,
        [
            *RUN,
            *CUT,
            (7, None, 200, 410, "unseen", "then waiting", False),
            (7, "waiting", 410, 900, "then waiting", "ready", True),
            (7, "runnable", 900, None, "ready", None, True),
        ],
    ),
    Blueprint(
        "a wait that Go noted in the second pause is cut by that, too",
        noted_in_the_second_window,
        OF_7,
        [
            *RUN,
            *CUT,
            (7, None, 200, 410, "unseen", "then waiting", False),
            (7, "waiting", 410, 500, "then waiting", "unseen", False),
            (7, None, 500, 810, "unseen", "then waiting", False),
            (7, "waiting", 810, None, "then waiting", None, True),
        ],
    ),
    Blueprint(
        "an event before the snapshot comes first, and ends what was not known",
        moved_before_it_was_read,
        OF_7,
        [
            *RUN,
            *CUT,
            (7, None, 200, 805, "unseen", "ready", False),
            (7, "runnable", 805, 807, "ready", "run", True),
            (7, "running", 807, None, "run", None, True),
        ],
    ),
    Blueprint(
        "an event after the snapshot comes after it, though it is the first of its window",
        moved_after_it_was_read,
        OF_7,
        [
            *BEGUN,
            (7, "running", 20, 200, "run", "unseen", False),
            (7, None, 200, 810, "unseen", "then waiting", False),
            (7, "waiting", 810, 820, "then waiting", "ready", True),
            (7, "runnable", 820, None, "ready", None, True),
        ],
    ),
    Blueprint(
        "what the first event contradicts was no more so, for nobody knows how long",
        past_the_probe_when_it_was_read,
        "SELECT goid, state, ts, ts_end, began_by, ended_by, certain FROM intervals WHERE ts = 810",
        [
            (7, None, 810, 820, "then running", "ready", False),
            (8, None, 810, 821, "then waiting", "run", False),
            (9, None, 810, 822, "then runnable", "park", False),
        ],
    ),
    Blueprint(
        "what the next window does not find is gone by then",
        gone,
        "SELECT state, ts, ts_end FROM goroutines WHERE goid = 7",
        [("dead", 10, 810)],
    ),
    Blueprint(
        "what ended in a window is not unseen after it",
        exited_before,
        OF_7,
        [*BEGUN, (7, "running", 20, 30, "run", "exit", True)],
    ),
    Blueprint(
        "where no window follows, the last state stays open, and is not certain",
        ends_in_a_pause,
        OF_7,
        [*BEGUN, (7, "running", 20, None, "run", None, False)],
    ),
    Blueprint(
        "what was made in the pause is no goroutine of the start",
        made_in_the_pause,
        "SELECT at_start, created, live FROM creation_sites WHERE created_by = 'main.main'",
        [(0, 1, 1)],
    ),
    Blueprint(
        "nor is it where it does not wait",
        running_from_the_pause,
        "SELECT at_start, count FROM unparked_groups WHERE created_by = 'main.main'",
        [(0, 1)],
    ),
    Blueprint(
        "a pause told of in pieces is one",
        pieces_that_abut,
        "SELECT ts, ts_end, dur FROM windows ORDER BY ts",
        [(0, 200, 200), (800, 1000, 200)],
    ),
    Blueprint(
        "a recording in one go is one window",
        windows,
        "SELECT ts, ts_end, dur FROM windows",
        [(0, 1000, 1000)],
    ),
    Blueprint(
        "what a window cut is no wait that ended, and nobody woke it",
        woken_in_the_pause,
        "SELECT wake, certain FROM intervals WHERE goid = 7 AND ts = 30",
        [(None, False)],
    ),
    Blueprint(
        "what nobody saw begin is no wait that somebody ended",
        woken_after_the_pause,
        "SELECT state, ended_by, wake FROM intervals WHERE goid = 7 AND ts_end = 900",
        [(None, "ready", None)],
    ),
    Blueprint(
        "pauses are no loss",
        woken_in_the_pause,
        "SELECT name, severity, value FROM health WHERE severity = 'warning' OR name = 'windows'",
        [("windows", "info", 2)],
    ),
]


@pytest.mark.parametrize("blueprint", BLUEPRINTS, ids=str)
def test_windows(blueprint: Blueprint, tmp_path: Path) -> None:
    check(blueprint, tmp_path)


def test_each_command_notes_that_windows_were_recorded(tmp_path: Path) -> None:
    (note,) = health.notes(connect(woken_in_the_pause().write(tmp_path / "t")))
    assert note.startswith("recorded in 2 windows, ")
