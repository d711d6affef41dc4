"""Goroutines that do not wait, and which of them are told of as leaks."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from blueprint import Blueprint, check
from gtrace_analyze.analyses import leaks
from gtrace_analyze.commands import cli
from gtrace_analyze.engine import Engine
from gtrace_analyze.selection import Selection
from synth import Recording, alive

SECOND = 10**9
READ = ["syscall.Syscall syscall/syscall_linux.go:73", "main.read main.go:9"]
OPEN = ["syscall.Syscall syscall/syscall_linux.go:73", "main.open main.go:19"]
ASK, START = "main.ask main.go:40", "main.run main.go:50"

Analyzed = Callable[..., Engine]


def of_all_kinds() -> Recording:
    """1 to 3 in system calls at two places, 4 runs, 5 is runnable, 6 waits, 7 ended, 8 was seen."""
    b = Recording(plan="full", duration=1000)
    for goid in range(1, 8):
        b.go(goid, parent=99, ts=10 * goid, at=ASK, start=START).run(10 * goid + 1)
    for goid, stack in ((1, READ), (2, READ), (3, OPEN)):
        b.go(goid).syscall_enter(100 + goid, stack)
    b.go(5).yield_(105)
    b.go(6).park(106, "select", ["main.wait main.go:60"])
    b.go(7).exit(107)
    return b.snapshot(5, alive(8, "syscall", at=ASK, start=START, stack=OPEN))


def seen(plan: str) -> Callable[[], Recording]:
    """What a snapshot at the end finds of three that are running for all that events tell."""

    def made() -> Recording:
        b = Recording(plan=plan, duration=1000)
        for goid in range(1, 5):
            b.go(goid, parent=99, ts=10 * goid, at=ASK, start=START)
            if plan == "sched":
                b.go(goid).run(10 * goid + 1)
        return b.snapshot(
            900,
            alive(1, "syscall", stack=READ),
            alive(2, "running"),
            alive(3, "runnable", stack=OPEN),
        )

    return made


GROUPS = (
    "SELECT doing, function, line, start_function, created_at, count, goids, ages, oldest_ns, "
    "newest_ns, at_start FROM unparked_groups"
)
OWN = ("main.run", "main.go:40")
BLUEPRINTS = [
    Blueprint(
        "by what they do, and system calls by place",
        of_all_kinds,
        GROUPS,
        [
            ("syscall", "main.read", 9, *OWN, 2, [1, 2], [990, 980], 990, 980, 0),
            ("syscall", "main.open", 19, *OWN, 2, [8, 3], [995, 970], 995, 970, 1),
            ("running", None, None, *OWN, 2, [4, 5], [960, 950], 960, 950, 0),
        ],
    ),
    Blueprint(
        "as they were at a moment",
        of_all_kinds,
        GROUPS.replace("unparked_groups", "unparked_groups_between(25, 102)"),
        [
            ("syscall", "main.read", 9, *OWN, 1, [1], [92], 92, 92, 1),
            ("syscall", "main.open", 19, *OWN, 1, [8], [97], 97, 97, 1),
            (
                "running",
                None,
                None,
                *OWN,
                6,
                [2, 3, 4, 5, 6, 7],
                [82, 72, 62, 52, 42, 32],
                82,
                32,
                1,
            ),
        ],
    ),
    Blueprint(
        "a snapshot tells of system calls that are not watched",
        seen("sched"),
        GROUPS,
        [
            ("syscall", "main.read", 9, *OWN, 1, [1], [990], 990, 990, 0),
            ("running", "main.open", 19, *OWN, 3, [2, 3, 4], [980, 970, 960], 980, 960, 0),
        ],
    ),
    Blueprint(
        "and of all where nothing else does",
        seen("lifecycle"),
        GROUPS,
        [
            ("syscall", "main.read", 9, *OWN, 1, [1], [990], 990, 990, 0),
            ("running", "main.open", 19, *OWN, 2, [2, 3], [980, 970], 980, 970, 0),
            (None, None, None, *OWN, 1, [4], [960], 960, 960, 0),
        ],
    ),
]


@pytest.mark.parametrize("blueprint", BLUEPRINTS, ids=str)
def test_blueprint(blueprint: Blueprint, tmp_path: Path) -> None:
    check(blueprint, tmp_path)


def more_and_more(plan: str = "full", waiting: int = 0, end: int | None = None) -> Recording:
    """Twenty come evenly, and some more that wait; each stays until the end, or so many ns."""
    b = Recording(plan=plan, duration=10 * SECOND)
    for n in range(20 + waiting):
        ts = 1 + n * 9 * SECOND // (20 + waiting)
        go = b.go(100 + n, parent=1, ts=ts, at=ASK, start=START)
        if plan != "lifecycle":
            go.run(ts + 1)
        if n >= 20:
            go.park(ts + 2, "IO wait", ["main.wait main.go:60"])
        elif n % 2 and plan == "full":
            go.syscall_enter(ts + 2, READ)
        if end is not None and ts + end < 10 * SECOND:
            if n % 2:
                go.syscall_exit(ts + end - 1)
            go.exit(ts + end)
    return b


def test_what_becomes_more_and_more_is_suspect(analyzed: Analyzed) -> None:
    calling, running = leaks.collect(analyzed(more_and_more()))
    assert (calling.verdict, calling.reason, calling.count) == ("suspect", "syscall", 10)
    assert (calling.function, calling.line) == ("main.read", 9)
    assert [frame["function"] for frame in calling.stack][-1] == "main.read"
    assert calling.growth_per_s == 1.0
    assert calling.evidence == [
        "The go statement that made them makes 2.18 more per second than end, all the time: "
        "20 made, 0 ended. 10 are in system calls."
    ]
    assert (running.verdict, running.reason, running.count) == ("suspect", "running", 10)
    assert (running.function, running.line, running.stack) == ("main.run", None, [])
    assert running.evidence[0].endswith("0 ended. 10 run or wait for a thread.")
    assert running.oldest_ns == 10 * SECOND - 1
    assert not running.parked


def test_what_ends_is_not(analyzed: Analyzed) -> None:
    assert leaks.collect(analyzed(more_and_more(end=2 * SECOND))) == []


def test_what_is_not_known_is_said(analyzed: Analyzed) -> None:
    (group,) = leaks.collect(analyzed(more_and_more("lifecycle")))
    assert (group.verdict, group.reason, group.count) == ("suspect", None, 20)
    assert leaks.doing(group.reason, group.parked) == "in a state that is not known"
    assert group.evidence[0].endswith("What 20 of them do is not known: no event tells.")


def test_without_system_calls_running_may_be_one(analyzed: Analyzed) -> None:
    (group,) = leaks.collect(analyzed(more_and_more("sched")))
    assert group.evidence[0].endswith(
        "20 run or wait for a thread, unless they are in system calls, which count as running."
    )


@pytest.mark.parametrize(("waiting", "groups"), [(2, 2), (3, 0)])
def test_not_if_one_in_ten_waits(analyzed: Analyzed, waiting: int, groups: int) -> None:
    """Those that serve clients wait for the network as soon as they are done."""
    assert len(leaks.collect(analyzed(more_and_more(waiting=waiting)))) == groups


@pytest.mark.parametrize(("few", "found"), [(1, {20}), (3, {20, 3})])
def test_not_the_few_that_do_something_else(analyzed: Analyzed, few: int, found: set[int]) -> None:
    """Like those that had just been made at the end."""
    b = more_and_more("sched")
    for goid in range(1, 1 + few):
        b.go(goid, parent=1, ts=5 * SECOND, at=ASK, start=START).run(5 * SECOND + goid)
    seen = [alive(goid, "syscall", stack=READ) for goid in range(1, 1 + few)]
    groups = leaks.collect(analyzed(b.snapshot(10 * SECOND - 1, *seen)))
    assert {group.count for group in groups} == found


def test_printed_and_on_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = more_and_more().write(tmp_path / "t")
    cli.main(["leaks", str(path)], standalone_mode=False)
    calling, running = capsys.readouterr().out.split("\n\n")
    assert calling.splitlines()[:3] == [
        "SUSPECT  10 × main.read",
        "  in syscall at main.go:9",
        "  created by main.ask at main.go:40",
    ]
    assert running.splitlines()[:3] == [
        "SUSPECT  10 × main.run",
        "  running",
        "  created by main.ask at main.go:40",
    ]
    page = tmp_path / "page.html"
    cli.main(["report", str(path), "--output", str(page)], standalone_mode=False)
    text = re.sub(r"<[^>]*>", "", page.read_text())
    assert "in syscall at main.go:9, created by main.ask at main.go:40" in text
    assert "running, created by main.ask at main.go:40" in text
    assert "alive for" in text


def test_chosen_like_others(analyzed: Analyzed) -> None:
    engine = analyzed(more_and_more())
    for selection, count in (
        (Selection(function="read$"), 1), (Selection(function="run$"), 2),
        (Selection(function="nobody"), 0), (Selection(goids=frozenset([101])), 1),
        (Selection("0s", "10s"), 2), (Selection("0s", "1s"), 0),
    ):  # fmt: skip
        assert len(leaks.collect(engine, selection)) == count, selection
