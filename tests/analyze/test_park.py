"""Waiting time: what ended, and what the estimate makes of what did not."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from matplotlib.figure import Figure
from scipy import stats

from blueprint import Blueprint, check
from gtrace_analyze._errors import UsageError
from gtrace_analyze.analyses import park
from gtrace_analyze.commands import cli, common
from gtrace_analyze.engine import Engine
from gtrace_analyze.render.plots import park as plots
from gtrace_analyze.selection import Selection
from synth import Recording, alive

F = ["main.f main.go:1"]
G = ["main.g main.go:9"]
KM = "SELECT waits, censored, p50_ns, km50_ns, km90_ns FROM park_stats WHERE level = 'reason'"


def some_open() -> Recording:
    """Waits of 10, 20, 30 and 40 ended; two begun 25 before the end did not.

    By hand: 6 at risk at 10, 5 at 20, then two are lost at 25, 2 at 30, 1 at 40:
    S = 5/6, 4/6, 4/6·1/2 = 1/3, 0. So half of all are at most 30, not 25.
    """
    b = Recording(duration=1000)
    for goid, wait in enumerate((10, 20, 30, 40), start=1):
        b.go(goid, ts=1).run(2).park(100, "chan receive", F, obj=0x10).ready(100 + wait)
    for goid in (8, 9):
        b.go(goid, ts=1).run(2).park(975, "chan receive", F, obj=0x20)
    return b


def none_open() -> Recording:
    b = Recording(duration=1000)
    for goid, wait in enumerate((10, 20, 30, 40), start=1):
        b.go(goid, ts=1).run(2).park(100, "chan receive", F).ready(100 + wait)
    return b


def mostly_open() -> Recording:
    b = Recording(duration=1000)
    b.go(1, ts=1).run(2).park(100, "chan receive", F).ready(110)
    for goid in (2, 3, 4):
        b.go(goid, ts=1).run(2).park(100, "chan receive", F)
    return b


def from_before() -> Recording:
    b = none_open()
    b.snapshot(0, alive(50, reason="chan receive", stack=F, waitsince=-500))
    b.go(51, ts=1).run(2).park(900, "chan receive", F)
    return b


def sweeping(
    stack: Sequence[str] = ("runtime.goparkunlock proc.go:480", "runtime.bgsweep mgcsweep.go:279"),
) -> Recording:
    b = Recording(duration=1000)
    b.go(3, ts=1).run(2).park(100, "GC sweep wait", stack)
    return b


@pytest.mark.parametrize(
    "blueprint",
    [
        Blueprint("open waits count as at least so long", some_open, KM, [(4, 2, 25, 30, 40)]),
        Blueprint("the same numbers where nothing is open", none_open, KM, [(4, 0, 25, 25, 37)]),
        Blueprint("not known where too few ended", mostly_open, KM, [(1, 3, 10, None, None)]),
        Blueprint("a loss cuts", lambda: none_open().gap(125, 126), KM, [(2, 2, 15, 20, None)]),
        Blueprint(
            "so does a closed recording window",
            lambda: none_open().gap(125, 126, cause="probes off"),
            KM,
            [(2, 2, 15, 20, None)],
        ),
        Blueprint(
            "what began before is not estimated from", from_before, KM, [(4, 1, 25, 30, None)]
        ),
        Blueprint(
            "the curve",
            some_open,
            "SELECT seen_ns, at_risk, ended, censored, round(survival, 6) "
            "FROM park_survival_of(NULL, NULL, NULL, NULL) WHERE level = 'stack' ORDER BY seen_ns",
            [
                (10, 6, 1, 0, 0.833333),
                (20, 5, 1, 0, 0.666667),
                (25, 4, 0, 2, 0.666667),
                (30, 2, 1, 0, 0.333333),
                (40, 1, 1, 0, 0.0),
            ],
        ),
        Blueprint(
            "by channel",
            some_open,
            "SELECT reason, function, obj, waits, open, p50_ns FROM park_stats "
            "WHERE level = 'channel'",
            [
                ("chan receive", "main.f", 0x10, 4, 0, 25),
                ("chan receive", "main.f", 0x20, 0, 2, None),
            ],
        ),
        Blueprint(
            "the runtime's own waits by who wants to wait",
            sweeping,
            "SELECT function, line, system, open FROM park_stats WHERE level = 'stack'",
            [("runtime.bgsweep", 279, True, 1)],
        ),
        Blueprint(
            "the innermost where a stack tells of nothing but parking",
            lambda: sweeping(["runtime.goparkunlock proc.go:480"]),
            "SELECT function, line, system, open FROM park_stats WHERE level = 'stack'",
            [("runtime.gopark", 461, True, 1)],
        ),
        Blueprint(
            "no channel where what is waited on is none",
            lambda: _mutex(),
            "SELECT count(*) FROM park_stats WHERE level = 'channel'",
            [(0,)],
        ),
        Blueprint(
            "heat map",
            some_open,
            "SELECT reason, step, bin, waits FROM park_heatmap",
            [
                ("chan receive", 11, 13, 1),
                ("chan receive", 12, 17, 1),
                ("chan receive", 13, 19, 1),
                ("chan receive", 14, 21, 1),
            ],
        ),
    ],
    ids=str,
)
def test_blueprint(blueprint: Blueprint, tmp_path: Path) -> None:
    check(blueprint, tmp_path)


def _mutex() -> Recording:
    b = Recording(duration=1000)
    b.go(1, ts=1).run(2).park(100, "sync.Mutex.Lock", F, obj=0x10).ready(110)
    return b


@pytest.mark.parametrize(
    ("longest", "limit", "unit", "error"),
    [(55, 92, 1, 1e-12), (300, 500, 1, 1e-12), (300, 500, 1000, 1e-12), (600_000, 10**6, 1, 3e-3)],
    ids=["below 92 ns", "below 300 ns", "as far apart", "to 1/256 above"],
)
@pytest.mark.parametrize("seed", range(3))
def test_the_estimate_is_scipys(
    seed: int, longest: int, limit: int, unit: int, error: float, analyzed: Callable[..., Engine]
) -> None:
    """Two groups with ties and random censoring, against scipy.stats.ecdf."""
    random = np.random.default_rng(seed)
    b = Recording(duration=10**9)
    expected, goid = {}, 0
    for stack, count in ((F, 180), (G, 60)):
        lengths = random.integers(1, longest, count) * unit
        limits = random.integers(1, limit, count) * unit
        for length, seen_for in zip(lengths.tolist(), limits.tolist(), strict=True):
            goid += 1
            go = b.go(goid, ts=1).run(2).park(b.duration - seen_for, "select", stack)
            if length <= seen_for:
                go.ready(b.duration - seen_for + length)
        seen = np.minimum(lengths, limits)
        expected[stack[0].split()[0]] = stats.CensoredData.right_censored(seen, lengths > limits)
    engine = analyzed(b)
    for function, data in expected.items():
        curve = stats.ecdf(data).sf
        rows = engine.rows(
            "SELECT seen_ns, survival FROM park_survival_of(NULL, NULL, NULL, NULL) "
            "WHERE level = 'function' AND function = $function AND ended > 0 ORDER BY seen_ns",
            {"function": function},
        )
        at = curve.evaluate([row["seen_ns"] for row in rows])
        assert [row["survival"] for row in rows] == pytest.approx(list(at), abs=error)
        (row,) = engine.rows(
            "SELECT * FROM park_stats WHERE level = 'function' AND function = $function",
            {"function": function},
        )
        for name, share in (("km50_ns", 0.5), ("km90_ns", 0.1), ("km99_ns", 0.01)):
            below = curve.quantiles[curve.probabilities <= share + 1e-9]
            wanted = below.min() if below.size else None
            assert row[name] == (wanted if wanted is None else pytest.approx(wanted, rel=1 / 256))


def test_a_selection_gives_what_the_stored_tables_would(analyzed: Callable[..., Engine]) -> None:
    engine = analyzed(some_open())
    everything = Selection(start=0, end=1000)
    for by in park.LEVELS:
        assert park.collect(engine, everything, by) == park.collect(engine, by=by)
    assert park.chart(engine, everything) == park.chart(engine)


def test_a_selection_selects_the_estimate_too(analyzed: Callable[..., Engine]) -> None:
    (row,) = park.collect(analyzed(some_open()), Selection(end=200), "reason").to_pylist()
    assert (row["waits"], row["censored"], row["km50_ns"]) == (4, 0, 25)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--by", "reason"], "30ns"),
        (["--by", "channel"], "0x20"),
        (["--histogram"], "main.f, chan receive: 4 waits, 2 open up to 25ns"),
        (["--by", "reason", "--csv"], ",2,30,40,40\n"),
    ],
)
def test_the_command_prints(
    options: list[str], expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = some_open().write(tmp_path / "t")
    cli.main(["park", str(path), *options], standalone_mode=False)
    assert expected in capsys.readouterr().out


def test_both_numbers_are_shown_only_where_they_can_differ(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, recording, shown in (("a", some_open(), True), ("b", none_open(), False)):
        cli.main(["park", str(recording.write(tmp_path / name))], standalone_mode=False)
        assert ("KM50" in capsys.readouterr().out) == shown


def test_there_is_no_histogram_of_a_channel(analyzed: Callable[..., Engine]) -> None:
    with pytest.raises(UsageError, match="reason, function, stack"):
        park.histograms(analyzed(some_open()), by="channel")


def test_the_heat_map_shows_every_wait(analyzed: Callable[..., Engine]) -> None:
    figure = plots.draw_over_time(park.chart(analyzed(some_open())), "t")
    (mesh,) = figure.axes[0].collections
    assert mesh.get_array().sum() == 4


def from_three_places() -> Recording:
    """Two ways to the same line differ at its caller, two of them further out."""
    b = Recording(duration=1000)
    ways = (
        ["io.a io.go:4"],
        ["io.b io.go:5", "main.c main.go:2"],
        ["io.b io.go:5", "main.d m.go:3"],
    )
    for goid, way in enumerate(ways, start=1):
        b.go(goid, ts=1).run(2).park(100 * goid, "IO wait", ["io.read io.go:1", *way])
    b.go(4, ts=1).run(2).park(500, "select", G)
    return b


def test_places_that_are_called_the_same_are_told_apart_by_their_callers(
    analyzed: Callable[..., Engine], capsys: pytest.CaptureFixture[str]
) -> None:
    engine = analyzed(from_three_places())
    groups = park.collect(engine).to_pylist()
    callers = park.callers(engine, groups)
    assert [callers.get(group["site"]) for group in groups] == [
        "io.a:4", "main.c:2", "main.d:3", None,
    ]  # fmt: skip
    assert [h.caller for h in park.histograms(engine, by="stack")] == [
        "io.a:4", "main.c:2", "main.d:3", None,
    ]  # fmt: skip
    assert park.callers(engine, groups[1:2]) == {}
    cli.main(["park", str(engine.recording.path)], standalone_mode=False)
    shown = capsys.readouterr().out
    assert all(f"…{name}" in shown or f" {name}" in shown for name in ("io.a:4", "main.c:2"))


def test_open_waits_from_before_leave_nothing_to_estimate_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    b = Recording(duration=1000)
    b.snapshot(0, alive(50, reason="chan receive", stack=F, waitsince=-500))
    cli.main(["park", str(b.write(tmp_path / "t"))], standalone_mode=False)
    header, row = capsys.readouterr().out.splitlines()
    assert dict(zip(header.split()[:8], row.split()[:8], strict=True)) == {
        "TIME": "1.50µs", "WAITS": "0", "P50": "-", "P99": "-", "KM50": "-", "KM99": "-",
        "MAX": "-", "OPEN": "1",
    }  # fmt: skip


def test_the_picture_reaches_to_what_is_open(analyzed: Callable[..., Engine]) -> None:
    b = some_open()
    b.go(10, ts=1).run(2).park(5, "select", G)
    figure = plots.draw(park.histograms(analyzed(b)), "t")
    select, receive = figure.axes
    assert [list(line.get_xdata()) for axes in (select, receive) for line in axes.lines] == [
        [995],
        [25],
    ]
    assert all(axes.get_xlim()[1] > 995 for axes in figure.axes)


@pytest.mark.parametrize(
    ("options", "shown"), [([], 6), (["-n", "2"], 2), (["-n", "7"], 7), (["-n", "0"], 8)]
)
def test_as_many_groups_are_drawn_as_asked_for(
    options: list[str],
    shown: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    saved: list[Figure] = []
    monkeypatch.setattr(common, "save", lambda figure, _: saved.append(figure))
    b, target = Recording(duration=1000), tmp_path / "park.svg"
    for n in range(8):
        worker = b.go(n + 1, ts=1).run(2)
        worker.park(100, "chan receive", [f"main.f{n} main.go:{n + 1}"]).ready(110 + 100 * n)
    path = b.write(tmp_path / "t")
    cli.main(["park", str(path), "--plot", str(target), *options], standalone_mode=False)
    texts = [text.get_text() for axes in saved[0].axes for text in axes.texts]
    # The longest waits come first.
    assert re.findall(r"main\.f(\d)", " ".join(texts)) == [str(7 - n) for n in range(shown)]
    told = f"note: {target} shows {shown} of 8 groups; -n says how many" in capsys.readouterr().err
    assert told == (shown < 8)


@pytest.mark.parametrize(
    ("most", "ticks"),
    [(1, [1]), (7, [1, 2, 5]), (40, [1, 2, 5, 10, 20]), (3000, [1, 10, 100, 1000])],
)
def test_the_scale_of_a_heat_map_has_round_numbers(
    most: int, ticks: list[int], analyzed: Callable[..., Engine]
) -> None:
    cells = pa.table({"step": [1, 2], "bin": [40, 41], "waits": [1, most]})
    chart = replace(park.chart(analyzed(some_open())), cells=cells)
    bar = plots.draw_over_time(chart, "t").axes[1]
    assert [label.get_text() for label in bar.get_yticklabels()] == [f"{n:,}" for n in ticks]
