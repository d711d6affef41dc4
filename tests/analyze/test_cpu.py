"""Running time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blueprint import Blueprint, check
from gtrace_analyze._errors import UsageError
from gtrace_analyze.analyses import cpu
from gtrace_analyze.commands import cli, main
from gtrace_analyze.engine import Engine
from gtrace_analyze.selection import Selection
from synth import Recording, alive

F = ["main.f main.go:1"]
WORK = {"at": "main.main main.go:12", "start": "main.work main.go:30"}
MAIN = {"at": "runtime.main proc.go:1", "start": "main.main main.go:5"}


def workers(plan: str = "sched") -> Recording:
    """7 runs for 10 and 30, 8 for 50, 1 from 900 to the end at 1000."""
    b = Recording(plan, duration=1000)
    b.go(7, ts=0, **WORK).run(10).park(20, "sleep", F).ready(30).run(40).yield_(70).run(990).exit(
        990
    )
    b.go(8, ts=0, **WORK).run(100).park(150, "sleep", F)
    b.go(1, ts=0, **MAIN).run(900)
    return b


ALL_OF_IT = "SELECT goid, running_ns, runs, longest_ns, uncertain_ns FROM cpu_time"


@pytest.mark.parametrize(
    "blueprint",
    [
        Blueprint(
            "per goroutine, to the end while it runs",
            workers,
            ALL_OF_IT,
            [(7, 40, 3, 30, 0), (8, 50, 1, 50, 0), (1, 100, 1, 100, 0)],
        ),
        Blueprint(
            "what has a loss within counts apart",
            lambda: workers().gap(120, 121),
            ALL_OF_IT,
            [(7, 40, 3, 30, 0), (8, 0, 0, None, 50), (1, 100, 1, 100, 0)],
        ),
        Blueprint(
            "what a snapshot found in a system call counts apart",
            lambda: workers().snapshot(120, alive(8, status="syscall")),
            ALL_OF_IT,
            [(7, 40, 3, 30, 0), (8, 0, 0, None, 50), (1, 100, 1, 100, 0)],
        ),
        Blueprint(
            "cut at the ends of a span",
            workers,
            "SELECT goid, running_ns, runs FROM cpu_time_of(60, 120, NULL, NULL)",
            [(7, 10, 1), (8, 20, 1)],
        ),
    ],
    ids=str,
)
def test_blueprint(blueprint: Blueprint, tmp_path: Path) -> None:
    check(blueprint, tmp_path)


@pytest.mark.parametrize(
    ("by", "selection", "expected"),
    [
        ("function", {}, [("main.main", 1, 100, 0.1), ("main.work", 2, 90, 0.09)]),
        ("function", {"start": 0, "end": 100}, [("main.work", 1, 40, 0.4)]),
        ("function", {"start": 10, "end": 20, "function": "work"}, [("main.work", 1, 10, 1.0)]),
        ("function", {"goids": frozenset({8})}, [("main.work", 1, 50, 0.05)]),
        ("function", {"function": "nowhere"}, []),
        (
            "goroutine",
            {},
            [("main.main", 1, 100, 0.1), ("main.work", 1, 50, 0.05), ("main.work", 1, 40, 0.04)],
        ),
        ("site", {}, [("main.main", 1, 100, 0.1), ("main.work", 2, 90, 0.09)]),
    ],
)
def test_groups(
    by: str,
    selection: dict[str, Any],
    expected: list[tuple[Any, ...]],
    analyzed: Callable[..., Engine],
) -> None:
    rows = cpu.collect(analyzed(workers()), Selection(**selection), by).to_pylist()
    names = ("function", "goroutines", "running_ns", "share")
    assert [tuple(row[n] for n in names) for row in rows] == expected


def test_another_grouping_is_refused(analyzed: Callable[..., Engine]) -> None:
    with pytest.raises(UsageError, match="site, function, goroutine"):
        cpu.collect(analyzed(workers()), by="thread")


@pytest.mark.parametrize(("plan", "remarks"), [("sched", True), ("full", False)])
def test_the_command_says_what_is_not_known(
    plan: str, remarks: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = workers(plan).write(tmp_path / "t")
    cli.main(["cpu", str(path)], standalone_mode=False)
    out, err = capsys.readouterr()
    assert "10.0%" in out
    assert ("includes system calls" in err) == remarks


@pytest.mark.parametrize(
    ("columns", "second", "shown"),
    [
        ("200", {}, True),
        ("60", {}, False),
        ("60", {"at": "main.main main.go:13", "start": WORK["start"]}, True),
    ],
    ids=["there is room", "there is none", "what is shown does not tell them apart"],
)
def test_creation_sites_are_shown_where_there_is_room_or_need(
    columns: str,
    second: dict[str, str],
    shown: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    b = workers()
    if second:
        b.go(9, ts=0, **second).run(200).park(250, "sleep", F)
    cli.main(["cpu", str(b.write(tmp_path / "t"))], standalone_mode=False)
    out = capsys.readouterr().out
    assert ("CREATED AT" in out) == shown
    assert "main.work" in out


def test_the_command_refuses_a_plan_that_cannot_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = workers("park").write(tmp_path / "t")
    with pytest.raises(SystemExit) as done:
        main(["cpu", str(path)])
    assert done.value.code == 1
    assert "plan park does not tell" in capsys.readouterr().err


def test_the_busiest_alone(analyzed: Callable[..., Engine]) -> None:
    engine = analyzed(workers())
    for by in cpu.LEVELS:
        whole = cpu.collect(engine, by=by)
        assert cpu.collect(engine, by=by, most=1).equals(whole.slice(0, 1))
