"""Each detector of leaks by itself: what it looks for put in, taken away, and itself taken away."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gtrace_analyze.analyses import leaks
from gtrace_analyze.analyses.leaks import detectors
from gtrace_analyze.engine import Engine
from synth import Recording, alive

SECOND = 10**9
RECEIVE = ["runtime.chanrecv1 runtime/chan.go:509", "main.await main.go:53"]
LOCK = ["sync.(*Mutex).Lock sync/mutex.go:46", "main.pay bank.go:10", "main.serve main.go:9"]
ASK = "main.ask main.go:40"

Analyzed = Callable[..., Engine]


def forever(put_in: bool) -> Recording:
    """A receive from a channel that is nil, or is not."""
    b = Recording(duration=10 * SECOND)
    reason = "chan receive (nil chan)" if put_in else "chan receive"
    b.go(5, parent=1, ts=3, at=ASK).run(4).park(5, reason, RECEIVE)
    return b


def unreachable(put_in: bool) -> Recording:
    """A wait on something that nothing refers to, or something does."""
    b = Recording(duration=10 * SECOND)
    b.go(5, parent=1, ts=3, at=ASK).run(4).park(5, "chan receive", RECEIVE, obj=0xC0)
    seen = alive(5, reason="chan receive", stack=RECEIVE, obj=0xC0, reachable=not put_in)
    return b.snapshot(9 * SECOND, seen)


def lock(put_in: bool) -> Recording:
    """Two wait for a lock whose holder waits too, until the end or not."""
    b = Recording(duration=10 * SECOND)
    holder = b.go(7, parent=1, ts=5, at="main.serve main.go:8").run(6)
    holder.park(7, "chan receive", ["main.pay bank.go:12", "main.serve main.go:9"], obj=0xC0)
    for goid in (8, 9):
        b.go(goid, parent=1, ts=9, at="main.serve main.go:8").run(10)
        b.go(goid).park(11, "sync.Mutex.Lock", LOCK, obj=0xA0)
    if not put_in:
        for goid, by in ((7, 1), (8, 7), (9, 8)):
            b.go(goid).ready(goid * SECOND, by=by).run(goid * SECOND + 1).exit(goid * SECOND + 2)
    return b


def sibling(put_in: bool) -> Recording:
    """One of six cannot be told lost; the other five can be, or cannot either."""
    b, rows = Recording(duration=10 * SECOND), []
    for goid in range(100, 106):
        b.go(goid, parent=1, ts=1, at=ASK).run(2).park(3, "chan receive", RECEIVE, obj=goid)
        lost = put_in and goid < 105
        rows.append(alive(goid, reason="chan receive", stack=RECEIVE, obj=goid, reachable=not lost))
    return b.snapshot(9 * SECOND, *rows)


def growth(put_in: bool) -> Recording:
    """Goroutines come evenly over the time, and each waits on a channel of its own until the end,
    or for a second."""
    b = Recording(duration=10 * SECOND)
    for goid in range(100, 123):
        ts = (goid - 100) * 9 * SECOND // 23
        b.go(goid, parent=1, ts=ts, at=ASK).run(ts + 1)
        b.go(goid).park(ts + 2, "chan receive", RECEIVE, obj=goid)
        if not put_in:
            b.go(goid).ready(ts + SECOND, by=1).run(ts + SECOND + 1).exit(ts + SECOND + 2)
    return b


def trend(put_in: bool) -> Recording:
    """Goroutines that are woken every half second, until the end, or for two seconds."""
    b = Recording(duration=10 * SECOND)
    for goid in range(100, 120):
        ts = 1 + (goid - 100) * 9 * SECOND // 20
        go = b.go(goid, parent=1, ts=ts, at=ASK).run(ts + 1)
        go.park(ts + 2, "chan receive", RECEIVE, obj=goid)
        last = 10 * SECOND if put_in else min(10 * SECOND, ts + 2 * SECOND)
        for tick in range(ts + SECOND // 2, last, SECOND // 2):
            go.ready(tick).run(tick + 1).park(tick + 2, "chan receive", RECEIVE, obj=goid)
        if last < 10 * SECOND:
            go.ready(last).run(last + 1).exit(last + 2)
    return b


def unparked(put_in: bool) -> Recording:
    """Goroutines come evenly over the time, and run until the end, or for a second."""
    b = Recording(duration=10 * SECOND)
    for goid in range(100, 123):
        ts = 1 + (goid - 100) * 9 * SECOND // 23
        go = b.go(goid, parent=1, ts=ts, at=ASK).run(ts + 1)
        if not put_in:
            go.exit(ts + SECOND)
    return b


ACCUSING = [forever, unreachable, lock, sibling, growth, trend, unparked]


def without(monkeypatch: pytest.MonkeyPatch, detector: str) -> None:
    """Take a detector away."""
    if detector == "unparked":
        monkeypatch.setattr(detectors.unparked, "detect", lambda *_: None)
        return
    taken = getattr(detectors, detector).detect
    monkeypatch.setattr(detectors, "ALL", tuple(d for d in detectors.ALL if d is not taken))


def found(engine: Engine) -> list[tuple[str, str | None, int]]:
    return [(g.verdict, g.reason, g.count) for g in leaks.collect(engine)]


def test_every_detector_has_its_control() -> None:
    names = {detect.__module__.rpartition(".")[2] for detect in detectors.ALL}
    assert names | {"unparked"} == {case.__name__ for case in ACCUSING} | {"idle"}


@pytest.mark.parametrize("case", ACCUSING, ids=lambda case: case.__name__)
def test_it_sees_what_it_looks_for_and_nobody_else_does(
    case: Callable[[bool], Recording], analyzed: Analyzed, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = analyzed(case(True))
    seen = found(engine)
    assert seen
    without(monkeypatch, case.__name__)
    assert len(found(engine)) < len(seen)


@pytest.mark.parametrize("case", ACCUSING, ids=lambda case: case.__name__)
def test_taken_away_nothing_is_said(case: Callable[[bool], Recording], analyzed: Analyzed) -> None:
    assert found(analyzed(case(False))) == []


def accepting(reason: str) -> Recording:
    """More and more goroutines that wait for the network, or for each other."""
    b = Recording(duration=10 * SECOND)
    for goid in range(100, 123):
        ts = (goid - 100) * 9 * SECOND // 23
        b.go(goid, parent=1, ts=ts, at=ASK).run(ts + 1).park(ts + 2, reason, RECEIVE, obj=goid)
    return b


@pytest.mark.parametrize("reason", ["IO wait", "sleep"])
def test_an_excuse_is_needed_and_given_to_none_but_those_who_have_it(
    analyzed: Analyzed, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    engine = analyzed(accepting(reason))
    assert found(engine) == []
    assert found(analyzed(accepting("chan receive"))) == [("leak", "chan receive", 23)]
    without(monkeypatch, "idle")
    assert found(engine) == [("leak", reason, 23)]


def coming_and_going(oldest: int) -> Recording:
    """Waits of three seconds each, one begun every half second; the first that is still open is
    `oldest` ns old."""
    b = Recording(duration=10 * SECOND)
    for goid in range(100, 119):
        ts = 1 + (goid - 100) * SECOND // 2
        go = b.go(goid, parent=1, ts=ts, at=ASK).run(ts + 1)
        go.park(ts + 2, "chan receive", RECEIVE, obj=goid)
        end = ts + 3 * SECOND
        if ts < 10 * SECOND - oldest and end < 10 * SECOND:
            go.ready(end, by=1).run(end + 1).exit(end + 2)
    return b


def test_what_comes_and_goes_is_idle_as_long_as_it_does(
    analyzed: Analyzed, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = analyzed(coming_and_going(oldest=5 * SECOND))
    assert found(engine) == []
    without(monkeypatch, "idle")
    assert [verdict for verdict, *_ in found(engine)] == ["suspect"]
    monkeypatch.undo()
    assert found(analyzed(coming_and_going(oldest=9 * SECOND))) != []
