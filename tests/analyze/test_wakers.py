"""Who woke whom, and the path back through them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from blueprint import Blueprint, check
from gtrace_analyze import _wakes
from gtrace_analyze._errors import QueryError, TraceError, UsageError
from gtrace_analyze.analyses import critical_path, goroutine, wakers
from gtrace_analyze.commands import cli
from gtrace_analyze.engine import Engine
from gtrace_analyze.moments import Moments
from gtrace_analyze.render.critical_path import show_path
from gtrace_analyze.render.listing import Layout
from gtrace_analyze.selection import Selection
from synth import PID, Recording, alive

F = ["main.get main.go:1"]
G = ["main.put main.go:9"]
# The frames that the runtime puts below a wake-up, as recorded from Go 1.27.
READY = ["runtime.ready proc.go:1145", "_.goready.func1 proc.go:495", "runtime.systemstack a.s:1"]


def wake_ups() -> Recording:
    b = Recording(duration=1000)
    b.go(1, ts=0, start="main.main main.go:3").run(1)
    go = b.go(7, ts=0, start="main.work main.go:5").run(1)
    for ts, wait in ((100, 10), (200, 30)):
        go.park(ts, "chan receive", F).ready(ts + wait, by=1, stack=READY + G).run(ts + wait + 1)
    go.park(300, "sleep", F).ready(350).run(351).park(400, "IO wait", F).inject(440).run(441)
    go.park(500, "chan receive", F).park_undone(501).run(502).park(600, "select", F)
    return b


def two_processes() -> Recording:
    """In each, 1 wakes 7, and each of the four has another start function."""
    b = Recording(duration=1000)
    for pid, name, wait in ((PID, "work", 10), (PID + 1, "other", 30)):
        b.go(1, ts=0, start=f"main.{name}s main.go:3", pid=pid).run(1)
        go = b.go(7, ts=0, start=f"main.{name} main.go:5", pid=pid).run(1)
        go.park(100, "chan receive", F).ready(100 + wait, by=1, stack=READY + G).run(200)
    return b


GRAPH = (
    "SELECT wake, waker_goroutine, waker_function, goroutine, function, reason, wakes, waited_ns, "
    "longest_ns, uncertain FROM wake_graph"
)


@pytest.mark.parametrize(
    "blueprint",
    [
        Blueprint(
            "of two processes with goroutines of the same number",
            two_processes,
            "SELECT waker_goroutine, goroutine, wakes, waited_ns FROM wake_graph",
            [("main.works", "main.work", 1, 10), ("main.others", "main.other", 1, 30)],
        ),
        Blueprint(
            "by function on both sides",
            wake_ups,
            GRAPH,
            [
                ("goroutine", "main.main", "main.put", "main.work", "main.get", "chan receive",
                 2, 40, 30, 0),
                ("timer", None, None, "main.work", "main.get", "sleep", 1, 50, 50, 0),
                ("netpoll", None, None, "main.work", "main.get", "IO wait", 1, 40, 40, 0),
            ],
        ),
        Blueprint(
            "a loss within the wait makes the wake-up uncertain",
            lambda: wake_ups().gap(205, 206),
            f"{GRAPH} WHERE wake = 'goroutine'",
            [
                ("goroutine", "main.main", "main.put", "main.work", "main.get", "chan receive",
                 1, 10, 10, 1),
            ],
        ),
    ],
    ids=str,
)  # fmt: skip
def test_blueprint(blueprint: Blueprint, tmp_path: Path) -> None:
    check(blueprint, tmp_path)


def test_a_selection_gives_what_the_stored_table_would(analyzed: Callable[..., Engine]) -> None:
    engine = analyzed(wake_ups())
    assert wakers.collect(engine, Selection(start=0, end=1000)) == wakers.collect(engine)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({}, [(1, 7, 2), (None, 7, 1), (None, 7, 1)]),
        ({"goids": frozenset({1})}, [(1, 7, 2)]),
        ({"function": "put"}, [(1, 7, 2)]),
        ({"start": 0, "end": 150}, [(1, 7, 1)]),
        ({"function": "nowhere"}, []),
    ],
)
def test_between_goroutines(
    selection: dict[str, Any],
    expected: list[tuple[Any, ...]],
    analyzed: Callable[..., Engine],
) -> None:
    rows = wakers.collect(analyzed(wake_ups()), Selection(**selection), "goroutine").to_pylist()
    assert [(row["waker_goid"], row["goid"], row["wakes"]) for row in rows] == expected


def test_the_most_frequent_between_goroutines(analyzed: Callable[..., Engine]) -> None:
    engine = analyzed(wake_ups())
    everything = wakers.collect(engine, by="goroutine")
    assert wakers.collect(engine, by="goroutine", most=10) == everything
    assert wakers.collect(engine, by="goroutine", most=1) == everything.slice(0, 1)


def test_of_very_many_pairs_the_frequent_are_stored(analyzed: Callable[..., Engine]) -> None:
    b = Recording(duration=10**9)
    for goid in range(100, 11_100):
        b.go(goid, ts=goid).run(goid).park(10**6 + goid, "chan receive", F)
        b.event(10**7 + goid, "ready", goid, other_goid=1)
    often = b.go(7, ts=1).run(2)
    for ts in (10, 20, 30):
        often.park(ts, "select", F).ready(ts + 1, by=8).run(ts + 2)
    engine = analyzed(b)
    assert engine.rows("SELECT goid, wakes FROM int_wake_pairs") == [{"goid": 7, "wakes": 3}]
    everything = wakers.collect(engine, by="goroutine")
    assert len(everything) == 11_001
    for most in (1, 3):
        assert wakers.collect(engine, by="goroutine", most=most) == everything.slice(0, most)


def test_pairs_have_the_same_numbers_in_sql(analyzed: Callable[..., Engine]) -> None:
    pairs = [(PID, None, 7), (PID, 1, 7), (PID, 7, 1), (2**22, 2**40 + 3, 2**50 + 1)]
    values = ", ".join(f"({pid}, {waker or 'NULL'}::BIGINT, {goid})" for pid, waker, goid in pairs)
    told = analyzed(wake_ups()).rows(
        f"SELECT int_wake_number_of(pid, waker, goid) AS number "
        f"FROM (VALUES {values}) AS pairs (pid, waker, goid)"
    )
    pid, waker, goid = np.array([[each or 0 for each in pair] for pair in pairs]).T
    numbers = _wakes._number(pid, waker, goid).tolist()
    assert [row["number"] for row in told] == numbers
    assert len({*numbers}) == len(pairs)


def test_another_grouping_is_refused(analyzed: Callable[..., Engine]) -> None:
    with pytest.raises(UsageError, match="function, goroutine"):
        wakers.collect(analyzed(wake_ups()), by="thread")


def path_of(engine: Engine, goid: int, **how: Any) -> list[tuple[Any, ...]]:
    path = critical_path.collect(engine, goid, **how)
    with mock.patch.multiple(critical_path, _ALL_AT_ONCE=1, _AT_ONCE=1):  # as if there were many
        assert critical_path.collect(engine, goid, **how) == path
    return [(s.depth, s.goid, s.state, s.ts, s.ts_end, s.end) for s in path.steps]


def reply() -> Recording:
    """9 asks 8, which asks a timer, and waits from 100 to 200 for the answer."""
    b = Recording(duration=1000)
    b.go(8, ts=0).run(1).park(10, "chan receive", G).ready(90, by=9).run(95)
    b.go(8).park(110, "sleep", G).ready(180).run(185)
    b.go(9, ts=50).run(60).park(100, "chan receive", F).ready(200, by=8).run(210).exit(300)
    return b


def other_work(reason: str = "chan receive", parent: int | None = None) -> Recording:
    """8 had been waiting since 20 for 7 when 9 began to wait for 8 at 100."""
    b = Recording(duration=1000)
    b.go(7, ts=0).run(1)
    b.go(9, ts=2).run(3)
    b.go(8, ts=5, parent=parent).run(6).park(20, "chan receive", G).ready(150, by=7).run(160)
    b.go(9).park(100, reason, F).ready(200, by=8).run(210).exit(300)
    return b


TAIL = [
    (0, 9, "running", 210, 300, None),
    (0, 9, "runnable", 200, 210, None),
    (0, 9, "waiting", 100, 200, None),
    (1, 8, "running", 160, 200, None),
    (1, 8, "runnable", 150, 160, None),
]
HEAD = [(0, 9, "running", 3, 100, None), (0, 9, "runnable", 2, 3, None)]
FOLLOWED = [(1, 8, "waiting", 100, 150, None), (2, 7, "running", 100, 150, None)]


def test_a_wait_is_what_its_waker_did(analyzed: Callable[..., Engine]) -> None:
    assert path_of(analyzed(reply()), 9) == [
        (0, 9, "running", 210, 300, None),
        (0, 9, "runnable", 200, 210, None),
        (0, 9, "waiting", 100, 200, None),
        (1, 8, "running", 185, 200, None),
        (1, 8, "runnable", 180, 185, None),
        (1, 8, "waiting", 110, 180, None),
        (1, 8, "running", 100, 110, None),
        (0, 9, "running", 60, 100, None),
        (0, 9, "runnable", 50, 60, None),
    ]


def test_it_stops_at_other_work(analyzed: Callable[..., Engine]) -> None:
    expected = [*TAIL, (1, 8, "waiting", 100, 150, "other work"), *HEAD]
    assert path_of(analyzed(other_work()), 9) == expected


@pytest.mark.parametrize(
    "recording", [other_work("sync.Mutex.Lock"), other_work(parent=9)], ids=["lock", "child"]
)
def test_it_goes_on_through_what_serves_this_work(
    recording: Recording, analyzed: Callable[..., Engine]
) -> None:
    """The holder of a lock, and a goroutine made for this, were at it before the wait began."""
    assert path_of(analyzed(recording), 9) == [*TAIL, *FOLLOWED, *HEAD]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"at": 205, "start": 195}, [(0, 9, "runnable", 200, 205, None)]),
        ({"at": 150, "start": 90}, [(0, 9, "waiting", 100, 150, "not woken until then")]),
    ],
)
def test_moments(
    how: dict[str, Any], expected: list[tuple[Any, ...]], analyzed: Callable[..., Engine]
) -> None:
    found = path_of(analyzed(reply()), 9, **how)
    assert found[: len(expected)] == expected
    assert min(step[3] for step in found) == how["start"]


def test_a_wait_that_does_not_end_is_told(analyzed: Callable[..., Engine]) -> None:
    b = Recording(duration=1000)
    b.go(7, ts=0).run(1).park(100, "chan receive", F)
    assert path_of(analyzed(b), 7)[0] == (0, 7, "waiting", 100, 1000, "not woken")


def test_two_that_wake_each_other_end(
    analyzed: Callable[..., Engine], capsys: pytest.CaptureFixture[str]
) -> None:
    b = Recording(duration=10**6)
    one, two = b.go(1, ts=0).run(1), b.go(2, ts=0).run(2)
    for turn in range(1, 400):
        ts = turn * 100
        one.park(ts, "chan receive", F).ready(ts + 60, by=2).run(ts + 61)
        two.park(ts + 61, "chan receive", G).ready(ts + 120, by=1).run(ts + 121)
    path = critical_path.collect(analyzed(b), 1)
    assert len(path.steps) == 1000
    assert not path.whole
    show_path(path, Layout(limit=1), Moments(0, ()))
    told = " ".join(capsys.readouterr().out.split())
    reached = f"{path.steps[-1].ts / 1e9:.6f}s"
    assert f"followed back to {reached}, through 1,000 steps; the shares below are of that" in told


@pytest.mark.parametrize("most", [1, 3, 7, 10])
def test_only_the_last_steps_of_many(most: int, analyzed: Callable[..., Engine]) -> None:
    b = Recording(duration=10**6)
    often = b.go(1, ts=0).run(1)
    for ts in (10, 20, 900_000):  # not as evenly as is guessed at first
        often.park(ts, "chan receive", F).ready(ts + 1).run(ts + 2)
    engine = analyzed(b)
    whole = critical_path.collect(engine, 1)
    assert len(whole.steps) == 11
    with mock.patch.object(critical_path, "_MOST_STEPS", most):
        cut = critical_path.collect(engine, 1)
    assert cut.steps == whole.steps[:most]
    assert (cut.whole, whole.whole) == (False, True)


def test_what_is_not_there(analyzed: Callable[..., Engine]) -> None:
    engine = analyzed(reply())
    with pytest.raises(QueryError, match="goroutine 77 is not in"):
        critical_path.collect(engine, 77)
    with pytest.raises(UsageError, match="did not exist then"):
        critical_path.collect(engine, 9, at=40)


def test_one_known_from_a_snapshot_alone(analyzed: Callable[..., Engine]) -> None:
    b = Recording(plan="snapshot", duration=1000)
    b.snapshot(10, alive(1, reason="select", stack=F))
    assert path_of(analyzed(b), 1) == [(0, 1, "waiting", 10, 1000, "not woken")]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["wakers"], "main.put"),
        (["wakers", "--by", "goroutine", "--csv"], "goroutine,4242,1,7,main.main,main.put"),
    ],
)
def test_wakers_prints(
    arguments: list[str], expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = wake_ups().write(tmp_path / "t")
    cli.main([*arguments, str(path)], standalone_mode=False)
    assert expected in capsys.readouterr().out


def test_critical_path_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = other_work().write(tmp_path / "t")
    cli.main(["critical-path", str(path), "9"], standalone_mode=False)
    out = capsys.readouterr().out
    assert "from here on other work" in out
    # Of the 298 ns: 40 + 90 + 97 running, 50 the other work, 10 + 10 + 1 runnable.
    assert "  227ns  76%  running" in out
    assert (
        "                187ns  63%  goroutine 9\n                 40ns  13%  goroutine 8\n" in out
    )
    assert "   50ns  17%  other work of goroutine 8 (chan receive in main.put)" in out
    assert "   21ns   7%  runnable" in out


def test_the_last_of_what_a_goroutine_did(analyzed: Callable[..., Engine]) -> None:
    """What is asked for are the last intervals; what is counted and added up is all of them."""
    engine = analyzed(wake_ups())
    whole, last = goroutine.collect(engine, 7), goroutine.collect(engine, 7, most=2)
    assert last.intervals.equals(whole.intervals.slice(whole.intervals.num_rows - 2))
    assert last.interval_count == whole.interval_count == whole.intervals.num_rows
    assert (last.waits, last.wakers) == (whole.waits, whole.wakers)
    assert [row["total_ns"] for row in whole.waits.to_pylist()] == [0, 50, 40, 40]
    assert [(w["wake"], w["wakes"], w["waited_ns"]) for w in whole.wakers.to_pylist()] == [
        ("goroutine", 2, 40),
        ("timer", 1, 50),
        ("netpoll", 1, 40),
    ]


def test_whoever_polled_the_network_woke_nobody(analyzed: Callable[..., Engine]) -> None:
    b = Recording()
    b.go(1, ts=1).run(2)
    b.go(2, ts=3).run(4).park(10, "IO wait", F).inject(20, by=1)
    life = goroutine.collect(analyzed(b), 2)
    (wait,) = (row for row in life.intervals.to_pylist() if row["state"] == "waiting")
    assert (wait["wake"], wait["waker_goid"]) == ("netpoll", None)
    (waker,) = life.wakers.to_pylist()
    assert (waker["wake"], waker["waker_goid"], waker["wakes"]) == ("netpoll", None, 1)
    steps = critical_path.collect(analyzed(b), 2).steps
    assert {step.goid for step in steps} == {2}
    (step,) = (step for step in steps if step.state == "waiting")
    assert (step.wake, step.waker_goid) == ("netpoll", None)


def test_of_a_goroutine_only_the_end_was_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    b = Recording(plan="lifecycle")
    b.go(7).exit(40_000_000)
    cli.main(["goroutine", str(b.write(tmp_path / "t")), "7"], standalone_mode=False)
    assert capsys.readouterr().out.splitlines()[:4] == [
        "goroutine 7 of pid 4242, dead",
        "  created before the recording, ended at 0.040000s",
        "  no state of it was seen",
        "",
    ]


@pytest.mark.parametrize(
    ("goid", "title"), [(7, "\nwaits at\n  runtime.gopark"), (8, "\nlast waited or gave way at\n")]
)
def test_a_goroutines_stack_is_called_what_it_is(
    goid: int, title: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    b = Recording(duration=1000)
    b.go(7, ts=0).run(1).park(100, "chan receive", F)
    b.go(8, ts=0).run(1).park(100, "chan receive", F).ready(200).run(300)
    cli.main(["goroutine", str(b.write(tmp_path / "t")), str(goid)], standalone_mode=False)
    assert title in capsys.readouterr().out


@pytest.mark.parametrize("plan", ["snapshot", "lifecycle"])
@pytest.mark.parametrize("command", [["wakers"], ["critical-path", "1"]], ids=lambda c: c[0])
def test_a_plan_that_does_not_tell_who_wakes_is_refused(
    plan: str, command: list[str], tmp_path: Path
) -> None:
    b = Recording(plan=plan).snapshot(10, alive(1, reason="select", stack=F))
    arguments = [command[0], str(b.write(tmp_path / "t")), *command[1:]]
    told = (
        f"plan {plan} does not tell who wakes a goroutine; record with --plan park, sched or full"
    )
    with pytest.raises(TraceError, match=told):
        cli.main(arguments, standalone_mode=False)
