"""From runnable to running."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from blueprint import Blueprint, check
from gtrace_analyze._errors import UsageError
from gtrace_analyze.analyses import latency
from gtrace_analyze.commands import cli
from gtrace_analyze.engine import Engine
from gtrace_analyze.render.plots import latency as plots
from gtrace_analyze.selection import Selection
from synth import PID, Recording

F = ["main.f main.go:1"]
WORK = {"at": "main.main main.go:12", "start": "main.work main.go:30"}
MAIN = {"at": "runtime.main proc.go:1", "start": "main.main main.go:5"}


def workers() -> Recording:
    """main.work waits 10 (created), 20, 30, 40 (woken), 5 (yielded); main.main 100 (created)."""
    b = Recording(duration=1000)
    b.go(1, ts=0, **MAIN).run(100).park(900, "sleep", F)
    go = b.go(7, parent=1, ts=110, **WORK).run(120)
    for ts, wait in ((200, 20), (300, 30), (400, 40)):
        go.park(ts, "chan receive", F).ready(ts + 10, by=1).run(ts + 10 + wait)
    go.yield_(500).run(505)
    go.park(600, "chan receive", F).park_undone(601).run(601)
    go.park(700, "chan receive", F).ready(960)
    return b


def one_thread() -> Recording:
    """Goroutine 9 is runnable from 100 to 200. Until 170, 7 runs on the thread that takes it up;
    8 runs on another all the time."""
    b = Recording(duration=1000)
    b.go(7, ts=1, **WORK).run(50, tid=1).park(170, "sleep", F)
    b.go(8, ts=2, **WORK).run(60, tid=2).park(300, "sleep", F)
    b.go(9, ts=100, **MAIN).run(200, tid=1).exit(400)
    return b


def two_processes() -> Recording:
    """A goroutine 7 in each: main.work waits 20, main.main of the other process 50."""
    b = Recording(duration=1000)
    b.go(7, ts=100, **WORK).run(120)
    b.go(7, ts=100, pid=PID + 1, **MAIN).run(150)
    return b


STATS = (
    "SELECT runs, total_ns, p50_ns, p90_ns, p99_ns, max_ns, open, open_longest_ns "
    "FROM latency_stats WHERE NOT system AND level = "
)


@pytest.mark.parametrize(
    "blueprint",
    [
        Blueprint(
            "by start function, a park undone at once left out",
            workers,
            f"{STATS} 'function' ORDER BY runs",
            [(1, 100, 100, 100, 100, 100, 0, None), (5, 105, 20, 36, 40, 40, 1, 40)],
        ),
        Blueprint(
            "of two processes with goroutines of the same number",
            two_processes,
            "SELECT function, created_at, runs, total_ns FROM latency_stats WHERE level = 'site'",
            [("main.main", "proc.go:1", 1, 50), ("main.work", "main.go:12", 1, 20)],
        ),
        Blueprint(
            "by cause",
            workers,
            "SELECT cause, runs, total_ns FROM latency_stats WHERE level = 'cause'",
            [("created", 2, 110), ("woken", 3, 90), ("yielded", 1, 5)],
        ),
        Blueprint(
            "by go statement",
            workers,
            "SELECT function, created_by, created_at, runs FROM latency_stats WHERE level = 'site'",
            [
                ("main.main", "runtime.main", "proc.go:1", 1),
                ("main.work", "main.main", "main.go:12", 5),
            ],
        ),
        Blueprint(
            "a loss makes uncertain, and is in no quantile",
            lambda: workers().gap(315, 316),
            "SELECT runs, total_ns, uncertain FROM latency_stats WHERE level = 'all'",
            [(5, 175, 1)],
        ),
        Blueprint(
            "over time: what began to run within each hundredth",
            workers,
            "SELECT step, ts, ts_end, runs, p50_ns, max_ns FROM latency_over_time ORDER BY step",
            [
                (10, 100, 110, 1, 100, 100),
                (12, 120, 130, 1, 10, 10),
                (23, 230, 240, 1, 20, 20),
                (34, 340, 350, 1, 30, 30),
                (45, 450, 460, 1, 40, 40),
                (50, 500, 510, 1, 5, 5),
            ],
        ),
        Blueprint(
            "heat map",
            workers,
            "SELECT step, bin, runs FROM latency_heatmap WHERE step < 30",
            [(10, 26, 1), (12, 13, 1), (23, 17, 1)],
        ),
        Blueprint(
            "the worst, with what ran on its thread and elsewhere",
            one_thread,
            "SELECT goid, ts, dur, tid, busy_ns, same_thread_ns, instead "
            "FROM latency_worst ORDER BY dur_seen DESC LIMIT 1",
            [
                (
                    9,
                    100,
                    100,
                    1,
                    170,
                    70,
                    [
                        {"goid": 7, "function": "main.work", "ns": 70, "same_thread_ns": 70},
                        {"goid": 8, "function": "main.work", "ns": 100, "same_thread_ns": 0},
                    ],
                )
            ],
        ),
        Blueprint(
            "the worst may not have run at all",
            workers,
            "SELECT goid, dur, dur_seen, tid, same_thread_ns, cause FROM latency_worst "
            "WHERE ts_end IS NULL",
            [(7, None, 40, None, None, "woken")],
        ),
        Blueprint(
            "a plan that does not watch run tells nothing",
            lambda: _plan_park(),
            "SELECT count(*) FROM runnables",
            [(0,)],
        ),
    ],
    ids=str,
)
def test_blueprint(blueprint: Blueprint, tmp_path: Path) -> None:
    check(blueprint, tmp_path)


def _plan_park() -> Recording:
    b = Recording(plan="park")
    b.go(7, ts=5).park(10, "chan receive", F).ready(25, by=1)
    return b


def test_a_selection_gives_what_the_stored_tables_would(analyzed: Callable[..., Engine]) -> None:
    """A span longer than the recording selects everything, but by the macros."""
    engine = analyzed(workers())
    everything = Selection(start=0, end=1000)
    for by in latency.LEVELS:
        assert latency.collect(engine, everything, by) == latency.collect(engine, by=by)
    assert latency.over_time(engine, everything) == latency.over_time(engine)
    assert latency.heatmap(engine, everything) == latency.heatmap(engine)
    assert latency.worst(engine, everything) == latency.worst(engine)


def test_selections(analyzed: Callable[..., Engine]) -> None:
    engine = analyzed(workers())

    def runs(**selection: object) -> list[int]:
        table = latency.collect(engine, Selection(**selection), "function")  # type: ignore[arg-type]
        return table["runs"].to_pylist()

    assert runs(function="^main.work$") == [5]
    assert runs(goids=frozenset({1})) == [1]
    assert runs(start=205, end=330) == [2]


def test_another_grouping_is_refused(analyzed: Callable[..., Engine]) -> None:
    with pytest.raises(UsageError, match="site, function, cause, all"):
        latency.collect(analyzed(workers()), by="thread")


def test_the_command_refuses_a_plan_that_cannot_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from gtrace_analyze.commands import main

    path = _plan_park().write(tmp_path / "t")
    with pytest.raises(SystemExit) as done:
        main(["latency", str(path)])
    assert done.value.code == 1
    assert "plan park does not tell when a goroutine begins to run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], "main.go:12"),
        (["--worst"], "main.main 1*"),
        (["--over-time"], "100ns"),
        (["--by", "cause", "--csv"], "woken,3,90"),
        (["--worst", "--json", "-n", "1"], '"instead": ['),
    ],
)
def test_the_command_prints(
    options: list[str],
    expected: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = workers().write(tmp_path / "t")
    cli.main(["latency", str(path), *options], standalone_mode=False)
    assert expected in capsys.readouterr().out


@pytest.mark.parametrize(("most", "shown"), [("4", 4), ("0", 25)])
def test_as_many_of_the_worst_as_asked_for(
    most: str, shown: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    b = Recording(duration=1000)
    for n in range(25):  # more than are kept ready
        b.go(n + 1, ts=n, **WORK).run(500 - n).exit(900)
    path = b.write(tmp_path / "t")
    options = ["--worst", "--csv", "-n", most]
    cli.main(["latency", str(path), *options], standalone_mode=False)
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [int(row["dur"]) for row in rows] == [500 - 2 * n for n in range(shown)]


def test_the_picture_shows_every_run(analyzed: Callable[..., Engine]) -> None:
    figure = plots.draw(latency.chart(analyzed(workers())), "t")
    (mesh,) = figure.axes[0].collections
    assert mesh.get_array().sum() == 6
    assert len(figure.axes[0].lines) == 2


def test_an_empty_selection_still_draws(analyzed: Callable[..., Engine]) -> None:
    plots.draw(latency.chart(analyzed(workers()), Selection(function="nowhere")), "t")
