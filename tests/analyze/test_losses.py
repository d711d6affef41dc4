"""What is known after a loss: what the snapshots prove, and no more."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from blueprint import Blueprint, check
from gtrace_analyze.commands import cli
from gtrace_analyze.engine import connect
from synth import Recording, alive

F = ["main.f main.go:1"]
G = ["main.g main.go:2"]
MS = 10**6
STATES = (
    "SELECT state, ts // 1000000, ts_end // 1000000, began_by, ended_by, certain FROM intervals "
    "WHERE goid = 7 ORDER BY ts"
)
RUN = [
    ("runnable", 10, 20, "create", "run", True),
    ("running", 20, 30, "run", "park", True),
]
CUT = ("waiting", 30, 200, "park", "unseen", False)
RECEIVE = {"reason": "chan receive", "stack": F}
OTHER = {"reason": "select", "stack": F}


def lossy(*gaps: tuple[int, int]) -> Recording:
    """Goroutine 7 waits from 30 ms on; gaps are in ms."""
    b = Recording(duration=1000 * MS).snapshot(0, alive(1, **OTHER))
    b.go(7, ts=10 * MS).run(20 * MS).park(30 * MS, "chan receive", F)
    for ts, ts_end in gaps:
        b.gap(ts * MS, ts_end * MS, lost=1)
    return b


def found(b: Recording, ts: int, noted: int | None = None, other: int | None = None, **is_: object):
    """A snapshot at `ts` ms, with what Go noted of 7 and of 1."""
    seven = RECEIVE | {"waitsince": noted and noted * MS} | is_
    return b.snapshot(ts * MS, alive(1, **OTHER, waitsince=other and other * MS), alive(7, **seven))


def waits_still() -> Recording:
    return found(lossy((100, 200)), 600)


def noted_before() -> Recording:
    """The collection that noted it was over when another ended, which the note on 1 tells."""
    return found(lossy((100, 200)), 600, noted=25, other=90)


def noted_in_the_loss() -> Recording:
    return found(lossy((100, 200)), 600, noted=25, other=150)


def noted_by_nobody_knows_when() -> Recording:
    """That it says 90 does not mean that it waited then."""
    return found(lossy((100, 200)), 600, noted=90)


def same_note_twice() -> Recording:
    b = found(lossy((100, 200), (400, 450)), 350, noted=25)
    return found(b, 600, noted=25)


def two_notes() -> Recording:
    b = found(lossy((100, 200), (400, 450)), 350, noted=25)
    return found(b, 600, noted=260)


def coroutine() -> Recording:
    """Who is switched to is not run, so that the note stays."""
    b = noted_before()
    b.go(7).coro_switch(700 * MS, to=8)
    return b


def somewhere_else() -> Recording:
    return found(lossy((100, 200)), 600, reason="select", stack=G)


def runs_now() -> Recording:
    b = found(lossy((100, 200)), 600, status="running", reason=None, stack=None)
    b.go(7).park(700 * MS, "sleep", F)
    return b


def told_by_events() -> Recording:
    b = lossy((100, 200))
    b.go(7).run(300 * MS)
    return found(b, 600, status="running", reason=None, stack=None)


def too_soon() -> Recording:
    """The goroutine may have been read before the loss was over."""
    return found(lossy((100, 200)), 201)


def torn() -> Recording:
    return found(lossy((100, 200)), 600, certain=False)


def two_losses() -> Recording:
    b = found(found(lossy((100, 200), (400, 450)), 350), 600)
    b.go(7).ready(700 * MS, by=1).run(701 * MS)
    return b


def gone() -> Recording:
    return lossy((100, 200)).snapshot(600 * MS, alive(1, **OTHER))


def ended_in_sight() -> Recording:
    b = lossy((100, 200))
    b.go(7).run(300 * MS).exit(310 * MS)
    return b.snapshot(600 * MS, alive(1, **OTHER))


def made_in_the_loss() -> Recording:
    b = Recording(duration=1000 * MS).snapshot(0, alive(1, **OTHER)).gap(100 * MS, 200 * MS)
    return found(b, 600, at="main.main main.go:9")


def closed_again() -> Recording:
    """Probes went off after the loss: the snapshot tells of the window that follows, only."""
    b = lossy((100, 200)).gap(250 * MS, 500 * MS, "probes off")
    return found(b, 600)


def rows(*of_7: tuple[object, ...]) -> list[tuple[object, ...]]:
    return [*RUN, *of_7]


OPEN = ("waiting", 200, None, "then waiting", None, True)

BLUEPRINTS = [
    Blueprint(
        "a wait that stands after a loss may be another", waits_still, STATES, rows(CUT, OPEN)
    ),
    Blueprint(
        "it is one that Go noted before the loss",
        noted_before,
        STATES,
        rows(("waiting", 30, None, "park", None, True)),
    ),
    Blueprint("but not one noted within", noted_in_the_loss, STATES, rows(CUT, OPEN)),
    Blueprint(
        "nor if it is not known when it was", noted_by_nobody_knows_when, STATES, rows(CUT, OPEN)
    ),
    Blueprint(
        "two snapshots that show the same note show one wait",
        same_note_twice,
        STATES,
        rows(CUT, OPEN),
    ),
    Blueprint(
        "two that show two, two waits",
        two_notes,
        STATES,
        rows(
            CUT,
            ("waiting", 200, 450, "then waiting", "unseen", False),
            ("waiting", 450, None, "then waiting", None, True),
        ),
    ),
    Blueprint(
        "of a coroutine a note says nothing",
        coroutine,
        STATES + " LIMIT 4",
        rows(CUT, (None, 200, 700, "then waiting", "coro_switch", False)),
    ),
    Blueprint("it waits somewhere else", somewhere_else, STATES, rows(CUT, OPEN)),
    Blueprint(
        "it runs since the loss was over",
        runs_now,
        STATES,
        rows(
            CUT,
            ("running", 200, 700, "then running", "park", True),
            ("waiting", 700, None, "park", None, True),
        ),
    ),
    Blueprint(
        "events tell what they can",
        told_by_events,
        STATES,
        rows(("waiting", 30, 300, "park", "run", False), ("running", 300, None, "run", None, True)),
    ),
    *(
        Blueprint(name, made, STATES, rows(("waiting", 30, None, "park", None, False)))
        for name, made in (("a reading too soon is none", too_soon), ("a torn one neither", torn))
    ),
    Blueprint(
        "each loss is followed by what was found after it",
        two_losses,
        STATES,
        rows(
            CUT,
            ("waiting", 200, 450, "then waiting", "unseen", False),
            ("waiting", 450, 700, "then waiting", "ready", True),
            ("runnable", 700, 701, "ready", "run", True),
            ("running", 701, None, "run", None, True),
        ),
    ),
    Blueprint(
        "what is gone ended in the loss",
        gone,
        STATES,
        rows(("waiting", 30, 200, "park", "then gone", False)),
    ),
    Blueprint(
        "and is dead",
        gone,
        "SELECT goid, state, ts_end // 1000000 FROM goroutines",
        [(1, "waiting", None), (7, "dead", 200)],
    ),
    Blueprint(
        "what ended in sight did so then",
        ended_in_sight,
        "SELECT state, ts_end // 1000000 FROM goroutines WHERE goid = 7",
        [("dead", 310)],
    ),
    Blueprint("what was made in the loss is found", made_in_the_loss, STATES, [OPEN]),
    Blueprint(
        "a window ends what is known after a loss",
        closed_again,
        STATES,
        rows(
            ("waiting", 30, 250, "park", "unseen", False),
            (None, 250, 600, "unseen", "then waiting", False),
            ("waiting", 600, None, "then waiting", None, True),
        ),
    ),
    Blueprint(
        "nobody is said to have ended what was not seen to end",
        waits_still,
        "SELECT wake, ended_by FROM waits WHERE goid = 7 ORDER BY ts",
        [(None, "unseen"), (None, None)],
    ),
    Blueprint(
        "a snapshot's word is no transition that Go forbids",
        runs_now,
        "SELECT name, value FROM health WHERE severity = 'warning'",
        [("gaps", 1), ("uncertain_intervals", 2)],
    ),
    Blueprint(
        "one span is spoken of as one",
        runs_now,
        "SELECT regexp_extract(description, '^[^,(]*[a-z]') FROM health WHERE name = 'gaps'",
        [("1 span not seen whole",)],
    ),
]


@pytest.mark.parametrize("blueprint", BLUEPRINTS, ids=str)
def test_losses(blueprint: Blueprint, tmp_path: Path) -> None:
    check(blueprint, tmp_path)


def test_a_recording_whose_recorder_died_says_so(tmp_path: Path) -> None:
    b = Recording()
    b.go(7, ts=5).run(8).park(10, "select").ready(20, by=1)
    with closing(connect(b.write(tmp_path / "cut", in_progress=2))) as engine:
        assert engine.rows("SELECT severity FROM health WHERE name = 'cut'") == [
            {"severity": "warning"}
        ]


def test_of_a_recording_with_nothing_wrong_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    b = Recording(plan="full")
    b.go(7, parent=1, ts=1, at="main.main main.go:3").run(2).exit(9)
    path = str(b.write(tmp_path / "t"))
    cli.main(["health", path], standalone_mode=False)
    assert capsys.readouterr().out == "nothing was lost, and nothing else is wrong\n"
    cli.main(["park", path], standalone_mode=False)
    assert capsys.readouterr().out.endswith("FUNCTION\n(0 rows)\n")
