"""Deadlocks on recordings where the answer is known by construction."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gtrace_analyze as ga
from gtrace_analyze.analyses import deadlocks
from gtrace_analyze.analyses.deadlocks import Deadlock
from gtrace_analyze.engine import Engine
from gtrace_analyze.selection import Selection
from live.recording import analyze
from synth import Recording, alive

SECOND = 10**9
LOCK = ["sync.(*Mutex).Lock sync/mutex.go:46", "main.pay bank.go:10"]

Analyzed = Callable[..., Engine]


def waiting(goid: int, obj: int, *refers: int, **fields: Any) -> dict[str, Any]:
    """One that waits for a lock, and whose stack points at other locks too."""
    given = {"reason": "sync.Mutex.Lock", "stack": LOCK, "obj": obj, "refers": [obj, *refers]}
    return alive(goid, **given | fields)


def recording(*goroutines: dict[str, Any], since: int = 1) -> Recording:
    """All of them wait from `since` on; looked at after 9 of 10 seconds."""
    b = Recording(duration=10 * SECOND)
    for g in goroutines:
        go = b.go(g["goid"], parent=1, ts=since, at="main.main main.go:3").run(since)
        if g["status"] == "waiting":
            go.park(since, g["reason"], g["stack"], obj=g.get("obj"))
    return b.snapshot(9 * SECOND, *goroutines)


def found(engine: Engine) -> list[tuple[str, str, list[int], list[int]]]:
    return [
        (d.verdict, d.kind, [m.goid for m in d.members], d.behind)
        for d in deadlocks.collect(engine)
    ]


def test_a_cycle_with_those_behind_it(analyzed: Analyzed) -> None:
    lost = {"reachable": False}
    engine = analyzed(
        recording(
            waiting(5, 0xA0, 0xC0, **lost),
            waiting(6, 0xB0, 0xA0, **lost),
            waiting(7, 0xC0, 0xB0, **lost),
            waiting(8, 0xA0, **lost),
            waiting(9, 0xD0, **lost),
            waiting(10, 0xB0, 0xD0, **lost),
        )
    )
    assert found(engine) == [("deadlock", "cycle", [5, 6, 7], [8, 9, 10])]
    (deadlock,) = deadlocks.collect(engine)
    assert isinstance(deadlock, Deadlock)
    assert deadlock.evidence[0] == "Goroutine 5 waits for what the stack of goroutine 6 points at."
    assert [m.line for m in deadlock.members] == [10, 10, 10]
    assert deadlocks.collect(engine, Selection(goids=frozenset({8}))) == [deadlock]
    assert deadlocks.collect(engine, Selection(goids=frozenset({11}))) == []
    assert deadlocks.collect(engine, Selection(function="nothing")) == []


@pytest.mark.parametrize("since", [1, 6 * SECOND], ids=["for long", "for 4 s"])
def test_without_proof_a_cycle_that_stands_for_long_is_suspect(
    analyzed: Analyzed, since: int
) -> None:
    pair = [waiting(5, 0xA0, 0xB0, reachable=True), waiting(6, 0xB0, 0xA0, reachable=True)]
    keeper = alive(2, status="running", refers=[0xA0, 0xB0])
    engine = analyzed(recording(*pair, keeper, since=since))
    assert found(engine) == ([("suspect", "cycle", [5, 6], [])] if since == 1 else [])
    for deadlock in deadlocks.collect(engine):
        assert "The stacks of 1 others point at it, too: 2." in deadlock.evidence[-1]


def test_no_certainty_rests_on_what_was_lost(analyzed: Analyzed) -> None:
    pair = [waiting(5, 0xA0, 0xB0, reachable=True), waiting(6, 0xB0, 0xA0, reachable=True)]
    assert found(analyzed(recording(*pair).gap(SECOND, SECOND + 1, lost=1))) == []


def test_a_holder_that_can_run_is_no_deadlock(analyzed: Analyzed) -> None:
    busy = alive(5, status="running", refers=[0xA0])
    assert found(analyzed(recording(waiting(6, 0xA0, reachable=True), busy))) == []


def test_a_holder_that_is_lost_itself(analyzed: Analyzed) -> None:
    receive = ["runtime.chanrecv1 chan.go:5", "main.ask main.go:9"]
    holder = alive(
        5, reason="chan receive", stack=receive, obj=0xE0, refers=[0xA0, 0xE0], reachable=False
    )
    engine = analyzed(recording(holder, waiting(6, 0xA0, reachable=False)))
    assert found(engine) == [("deadlock", "stuck holder", [5], [6])]


def test_one_that_is_lost_and_holds_nothing_is_no_deadlock(analyzed: Analyzed) -> None:
    receive = ["runtime.chanrecv1 chan.go:5", "main.ask main.go:9"]
    lost = alive(5, reason="chan receive", stack=receive, obj=0xE0, refers=[0xE0], reachable=False)
    assert found(analyzed(recording(lost))) == []


def test_a_lock_that_nobody_is_left_to_give_back(analyzed: Analyzed) -> None:
    engine = analyzed(
        recording(waiting(5, 0xA0, reachable=False), waiting(6, 0xA0, reachable=False))
    )
    assert found(engine) == [("deadlock", "no holder", [5, 6], [])]


@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
def test_by_stacks_alone_one_that_holds_its_lock_itself_is_suspect(
    times: int, analyzed: Analyzed, tmp_path: Path
) -> None:
    b = Recording(duration=10 * SECOND)
    inside = ["sync.(*Mutex).Lock sync/mutex.go:46", *["main.pay bank.go:10"] * times]
    for goid, since, stack in ((5, SECOND, inside), (6, 2 * SECOND, LOCK), (7, 9 * SECOND, LOCK)):
        go = b.go(goid, parent=1, ts=since - 2, at="main.main main.go:3").run(since - 1)
        go.park(since, "sync.Mutex.Lock", stack, obj=0xA0)
    engine = analyzed(b)
    assert found(engine) == ([("suspect", "no holder", [5], [6, 7])] if times == 2 else [])
    for deadlock in deadlocks.collect(engine):
        assert deadlock.evidence == [
            "Goroutine 5 is inside main.pay more than once: it seems to wait for a lock that it "
            "holds itself.",
            "It has not got on in the last 9.00s.",
        ]
    assert deadlocks.unsearched(engine) == 2  # the third waits for a second only
    done = analyze("deadlocks", b.write(tmp_path / "trace"))
    assert ("note: " in done.stderr) == (times == 1)
    assert (done.stdout == "no deadlocks found\n") == (times == 1)


RECEIVE = ["runtime.chanrecv1 chan.go:5", "main.ask main.go:9"]


def stuck(kind: str, lost: bool) -> list[dict[str, Any]]:
    """What makes a deadlock of that kind, if nothing can wake them; else the same waits."""
    how = {"reachable": not lost}
    return {
        "cycle": [waiting(5, 0xA0, 0xB0, **how), waiting(6, 0xB0, 0xA0, **how)],
        "stuck holder": [
            alive(5, reason="chan receive", stack=RECEIVE, obj=0xE0, refers=[0xA0, 0xE0], **how),
            waiting(6, 0xA0, **how),
        ],
        "no holder": [waiting(5, 0xA0, **how), waiting(6, 0xA0, **how)],
    }[kind]


@pytest.mark.parametrize("kind", ["cycle", "stuck holder", "no holder"])
def test_each_kind_put_in_and_taken_away(analyzed: Analyzed, kind: str) -> None:
    (deadlock,) = deadlocks.collect(analyzed(recording(*stuck(kind, lost=True))))
    assert (deadlock.kind, deadlock.verdict) == (kind, "deadlock")
    for_a_while = recording(*stuck(kind, lost=False), since=6 * SECOND)
    assert deadlocks.collect(analyzed(for_a_while)) == []


def test_in_python(tmp_path: Path) -> None:
    b = recording(waiting(5, 0xA0, reachable=False))
    with ga.open(b.write(tmp_path / "trace")) as t:
        frame = t.deadlocks()
        assert frame["kind"].tolist() == ["no holder"]
        assert [member.goid for member in frame["members"][0]] == [5]
        assert t.deadlocks(goids=[6]).empty


def test_nothing_is_said_where_stacks_were_not_searched(analyzed: Analyzed) -> None:
    engine = analyzed(recording(waiting(5, 0xA0, refers=None, reachable=False)))
    assert found(engine) == []
