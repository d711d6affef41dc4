"""The chart of chosen goroutines."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gtrace_analyze._errors import UsageError
from gtrace_analyze.analyses import timeline
from gtrace_analyze.analyses.timeline import Wake
from gtrace_analyze.commands import cli
from gtrace_analyze.engine import Engine
from gtrace_analyze.render.plots import style
from gtrace_analyze.render.plots import timeline as plots
from gtrace_analyze.selection import Selection
from synth import PID, Recording

F = ["main.f main.go:1"]
WORK = {"at": "main.main main.go:12", "start": "main.work main.go:30"}


def handed_over(times: int = 3) -> Recording:
    """7 runs the first half of each 100 ns, then wakes 8, which waits for it; 9 sleeps."""
    b = Recording(duration=1000)
    seven, eight = b.go(7, ts=0, **WORK).run(0), b.go(8, ts=0, **WORK).run(1)
    b.go(9, ts=0, **WORK).run(2).park(10, "sleep", F).ready(950)
    eight.park(10, "chan receive", F)
    for ts in (round(n * 900 / times) + 50 for n in range(times)):
        eight.ready(ts, by=7).run(ts + 2).park(ts + 5, "chan receive", F)
    seven.park(960, "sleep", F)
    return b


def test_shares_of_states(analyzed: Callable[..., Engine]) -> None:
    """Ten cells of 100 ns; the parts of each goroutine's time that they hold."""
    chart = timeline.collect(analyzed(handed_over()), Selection(goids=frozenset({8})), cells=10)
    shares = {(r["cell"], r["state"]): r["ns"] for r in chart.shares.to_pylist()}
    assert shares[0, "running"] == 9 + 3
    assert shares[0, "runnable"] == 1 + 2
    assert shares[0, "waiting"] == 40 + 45
    assert shares[1, "waiting"] == 100
    assert sum(shares.values()) == 1000
    assert chart.sees_syscalls is False


def test_a_goroutine_of_another_process_is_no_lane(analyzed: Callable[..., Engine]) -> None:
    """Which has the number of one that is."""
    b = handed_over()
    b.go(7, pid=PID + 1).run(3).park(20, "sleep", F)
    for most, expected in ((1, [(PID, 7)]), (4, [(PID, 7), (PID, 8), (PID, 9), (PID + 1, 7)])):
        chart = timeline.collect(analyzed(b), Selection(), most)
        took = {(row["pid"], row["goid"]): 0 for row in chart.shares.to_pylist()}
        for row in chart.shares.to_pylist():
            took[row["pid"], row["goid"]] += row["ns"]
        assert sorted(took) == expected
        assert max(took.values()) == 1000
    assert len(chart.wakes) == 3


def test_wakes_among_the_lanes(analyzed: Callable[..., Engine]) -> None:
    engine = analyzed(handed_over())
    chart = timeline.collect(engine)
    assert chart.wakes == tuple(Wake(PID, ts, 7, 8) for ts in (50, 350, 650))
    assert timeline.collect(engine, Selection(start=300, end=400)).wakes == (Wake(PID, 350, 7, 8),)
    # The waker is not in the picture.
    assert timeline.collect(engine, Selection(goids=frozenset({8, 9}))).wakes == ()


def test_too_many_wakes_are_counted_and_not_drawn(analyzed: Callable[..., Engine]) -> None:
    chart = timeline.collect(analyzed(handed_over(90)))
    assert (chart.wakes, chart.wake_count) == ((), 90)
    texts = [text.get_text() for text in plots.draw(chart, "t").texts]
    assert any("90 wake-ups, too many to draw" in text for text in texts)


def test_an_arrow_for_each_wake(analyzed: Callable[..., Engine]) -> None:
    chart = timeline.collect(analyzed(handed_over()))
    arrows = [text for text in plots.draw(chart, "t").axes[1].texts if hasattr(text, "arrow_patch")]
    places = {lane.goid: i + 0.5 for i, lane in enumerate(chart.lanes)}
    assert [(a.xyann[1], a.xy[1]) for a in arrows] == [(places[7], places[8])] * 3
    assert [round(a.xy[0] * 1e9) for a in arrows] == [50, 350, 650]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({}, {7, 8, 9}),
        ({"goids": frozenset({9})}, {9}),
        ({"function": "nowhere"}, set()),
        ({"function": "main.f$"}, {7, 8, 9}),
    ],
)
def test_lanes(
    selection: dict[str, Any], expected: set[int], analyzed: Callable[..., Engine]
) -> None:
    chart = timeline.collect(analyzed(handed_over()), Selection(**selection))
    assert {lane.goid for lane in chart.lanes} == expected


def test_alive_by_creation_site(analyzed: Callable[..., Engine]) -> None:
    b = Recording(duration=1000)
    for number in range(4):
        b.go(10 + number, ts=100 * number, at="main.a a.go:1", start="main.x a.go:9")
    b.go(20, ts=100, at="main.b b.go:1", start="main.y b.go:9").run(110).exit(500)
    series = {s.label: s for s in timeline.collect(analyzed(b)).live}
    assert [series["main.a"].at(ts) for ts in (0, 50, 150, 250, 999)] == [1, 1, 2, 3, 4]
    assert [series["main.b"].at(ts) for ts in (50, 150, 499, 600)] == [0, 1, 1, 0]


def two_of_one_creator() -> Recording:
    b = Recording(duration=1000)
    b.go(10, ts=0, at="main.a a.go:1", start="main.x a.go:9")
    b.go(11, ts=0, at="main.a a.go:2", start="main.y a.go:9")
    b.go(12, ts=0, at="main.b b.go:1", start="main.z b.go:9")
    return b


def test_go_statements_of_one_function_have_their_lines(analyzed: Callable[..., Engine]) -> None:
    labels = {series.label for series in timeline.collect(analyzed(two_of_one_creator())).live}
    assert labels == {"main.a:1", "main.a:2", "main.b"}


def test_lanes_of_one_creator_have_the_names_of_what_they_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["timeline", str(two_of_one_creator().write(tmp_path / "t"))], standalone_mode=False)
    out = capsys.readouterr().out
    assert all(f" {name} " in out for name in ("main.x 10", "main.y 11", "main.b 12"))


@pytest.mark.parametrize(
    ("window", "peak", "first", "last"),
    [({}, 6, 1, 1), ({"start": 500_100, "end": 500_250}, 6, 1, 4), ({"start": 600_000}, 1, 1, 1)],
    ids=["all", "within", "after"],
)
def test_a_burst_is_counted_however_short(
    window: dict[str, int], peak: int, first: int, last: int, analyzed: Callable[..., Engine]
) -> None:
    b = Recording(duration=10**6)
    b.go(1, ts=0, **WORK).run(1)
    for number in range(5):  # all within a 500th of the recording
        b.go(10 + number, ts=500_110 + number, **WORK).run(500_120).exit(500_240 + 10 * number)
    chart = timeline.collect(analyzed(b), Selection(**window))
    (series,) = chart.live
    assert (chart.peak, series.at(chart.start), series.at(chart.end)) == (peak, first, last)


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_pictures(kind: str, tmp_path: Path) -> None:
    path, picture = handed_over().write(tmp_path / "t"), tmp_path / f"t.{kind}"
    cli.main(["timeline", str(path), "--out", str(picture)], standalone_mode=False)
    magic = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[kind]
    assert picture.read_bytes().startswith(magic)


def test_in_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = handed_over().write(tmp_path / "t")
    cli.main(["timeline", str(path), "--goid", "7"], standalone_mode=False)
    (lane,) = [
        x for x in capsys.readouterr().out.splitlines() if x.lstrip().startswith("main.main 7")
    ]
    assert lane.count("█") > 30
    assert lane.endswith("─")


def test_of_those_that_lived_equally_long_the_first_are_shown(
    analyzed: Callable[..., Engine],
) -> None:
    b = Recording(duration=1000)
    for goid in (31, 12, 45, 23, 18):
        b.go(goid, ts=0, **WORK).run(1)
    b.go(60, ts=500, **WORK).run(501)
    chart = timeline.collect(analyzed(b), most=3)
    assert [lane.goid for lane in chart.lanes] == [12, 18, 23]


@pytest.mark.parametrize(
    ("start", "end", "labels", "unit"),
    [
        (0, 11.12, ["0", "2", "4", "6", "8", "10"], "seconds"),
        (
            5.0,
            5.02,
            [f"5,0{n:04.1f}" for n in (0, 2.5, 5, 7.5, 10, 12.5, 15, 17.5, 20)],
            "milliseconds",
        ),
        (9.6381, 9.6383, [f"9,638,{n}" for n in range(100, 301, 25)], "microseconds"),
    ],
)
def test_the_axis_of_time_has_a_unit_that_suits_the_span(
    start: float, end: float, labels: list[str], unit: str
) -> None:
    fig = style.figure(11, 3)
    axes = fig.add_axes((0.27, 0.2, 0.715, 0.7))
    style.time_axis(axes, start, end, "today")
    fig.canvas.draw()
    shown = axes.get_xticklabels()
    assert [label.get_text() for label in shown] == labels
    assert axes.get_xlabel() == f"{unit} from the start of the recording, today"
    assert shown[-1].get_window_extent().x1 <= fig.bbox.x1


def test_a_lane_of_its_own_is_named_with_its_place_and_verdict(
    analyzed: Callable[..., Engine],
) -> None:
    chart = timeline.collect(analyzed(handed_over()), Selection(goids=frozenset({7, 8})))
    lane, other = chart.lanes
    alone = [replace(lane, verdict="leak"), replace(other, created_at="main.go:99")]
    fig = plots.draw(replace(chart, lanes=alone, wakes=()), "t")
    fig.canvas.draw()
    names = [text for text in fig.axes[1].texts if lane.name in text.get_text()]
    assert [text.get_text() for text in names] == [
        f"{lane.name}  leak · {lane.created_at}, 1 of {lane.total}",
        f"{lane.name}  main.go:99, 1 of {lane.total}",
    ]
    assert all(text.get_window_extent().x0 > 0 for text in names)


def test_arrows_up_and_down_at_one_moment_lie_side_by_side(analyzed: Callable[..., Engine]) -> None:
    chart = timeline.collect(analyzed(handed_over()))
    both = (Wake(PID, 350, 7, 8), Wake(PID, 350, 8, 7))
    fig = plots.draw(replace(chart, wakes=both), "t")
    fig.canvas.draw()
    arrows = [text for text in fig.axes[1].texts if hasattr(text, "arrow_patch")]
    down, up = (arrow.xycoords.transform(arrow.xy)[0] for arrow in arrows)
    assert abs(down - up) * 72 / fig.dpi == pytest.approx(3)  # points


@pytest.mark.parametrize("name", ["t.gif", "t.jpg", "t"])
def test_only_formats_that_are_named_are_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.png, \.svg or \.pdf"):
        style.save(style.figure(1, 1), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_rows_are_the_same_whatever_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(handed_over().write(tmp_path / "t"))
    found = []
    for columns in ("80", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        cli.main(["timeline", path, "--csv", "-n", "2"], standalone_mode=False)
        found.append(capsys.readouterr().out)
    assert found[0] == found[1]
    assert found[0].count("\n") > 100  # of each of two, a row a hundredth


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb"), ("X", "1")])
def test_no_color_where_none_is_wanted(
    variable: str,
    value: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr("click._compat.should_strip_ansi", lambda *_: False)
    cli.main(["timeline", str(handed_over().write(tmp_path / "t"))], standalone_mode=False)
    assert ("\x1b[" in capsys.readouterr().out) == (variable == "X")


def test_what_does_nothing_is_refused(tmp_path: Path) -> None:
    path = str(handed_over().write(tmp_path / "t"))
    for arguments in (["--wall", "--out", str(tmp_path / "t.svg")], ["--sort", "goid"]):
        with pytest.raises(UsageError):
            cli.main(["timeline", path, *arguments], standalone_mode=False)


def test_no_more_lanes_than_make_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    b = Recording(duration=10_000)
    for goid in range(1, 1003):
        b.go(goid, ts=goid, **WORK).run(goid + 1)
    path = b.write(tmp_path / "t")
    cli.main(["timeline", str(path), "-n", "0"], standalone_mode=False)
    assert f"note: {path}: 1,000 goroutines of 1,002, as many as fit" in capsys.readouterr().err
    cli.main(["timeline", str(path), "-n", "1000"], standalone_mode=False)
    assert "as many as fit" not in capsys.readouterr().err
