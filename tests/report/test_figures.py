"""The geometry of the report's figures, on data whose picture can be told in numbers."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest

from gtrace_analyze.analyses.park import Histogram
from gtrace_analyze.analyses.timeline import Lane, Series, Timeline
from gtrace_analyze.render.html import figures

SECOND = 10**9


def _corners(path: str) -> list[tuple[float, float]]:
    """The points of a path of M, L, H, V, h, v."""
    x = y = 0.0
    points = []
    for step, numbers in re.findall(r"([MLHVhv])(-?[\d.]+(?: -?[\d.]+)?)", path):
        values = [float(n) for n in numbers.split()]
        if step in "ML":
            x, y = values
        elif step in "Hh":
            x = values[0] + (x if step == "h" else 0)
        else:
            y = values[0] + (y if step == "v" else 0)
        points.append((x, y))
    return points


@pytest.mark.parametrize(
    ("length", "labels"),
    [
        (16 * SECOND, ["0", "2s", "4s", "6s", "8s", "10s", "12s", "14s", "16s"]),
        (1_500_000, ["0", "200µs", "400µs", "600µs", "800µs", "1ms", "1ms200µs", "1ms400µs"]),
        (3 * 3600 * SECOND, ["0", "30m", "1h", "1h30m", "2h", "2h30m", "3h"]),
        (0, ["0"]),
    ],
)
def test_ticks_are_round_and_in_their_place(length: int, labels: list[str]) -> None:
    ticks = figures.time_ticks(length)
    assert [tick.label for tick in ticks] == labels
    steps = {round(b.at - a.at, 6) for a, b in pairwise(ticks)}
    assert len(steps) <= 1


def test_gaps_that_touch_are_one_band() -> None:
    gaps = [{"ts": 10, "ts_end": 30}, {"ts": 20, "ts_end": 40}, {"ts": 80, "ts_end": 500}]
    bands = figures.gap_bands(gaps, 0, 100)
    assert [(round(left, 6), round(width, 6)) for left, width in bands] == [(10, 30), (80, 20)]


def test_a_gap_of_no_length_is_seen() -> None:
    ((left, width),) = figures.gap_bands([{"ts": 50, "ts_end": 50}], 0, 100)
    assert (left, round(width, 6)) == (50, 0.1)


def test_areas_lie_on_each_other() -> None:
    many = Series("many", [0, 500], [30, 60])
    few = Series("few", [0, 250], [0, 20])
    alive = figures.alive([few, many, Series("none", [0], [0])], 0, 1000)
    assert [(layer.label, layer.last, layer.most) for layer in alive.layers] == [
        ("many", 60, 60),
        ("few", 20, 20),
    ]
    assert [(round(t.at, 3), t.label) for t in alive.levels] == [
        (100, "0"), (75, "20"), (50, "40"), (25, "60"), (0, "80")
    ]  # fmt: skip
    lower, upper = (_corners(layer.path) for layer in alive.layers)
    assert {y for _, y in lower} == {100, 62.5, 25}
    assert {y for _, y in upper} == {62.5, 37.5, 25, 0}
    # The upper one stands on the lower one, step by step.
    step = 1000 / 399
    (rise,) = {x for x, y in lower if y == 25 and 0 < x < 1000}
    assert rise == pytest.approx(500, abs=step)
    assert rise in {x for x, y in upper if y == 25}


def test_sites_beyond_the_sixth_are_one() -> None:
    series = [Series(f"site {n}", [0], [n]) for n in range(1, 11)]
    layers = figures.alive(series, 0, 100).layers
    assert [(layer.label, layer.last) for layer in layers][-2:] == [
        ("site 6", 6),
        ("5 other go statements", 15),
    ]
    assert len(layers) == 6


def _timeline(rows: list[tuple[int, int, str | None, int, bool]], cells: int = 10) -> Timeline:
    goids = sorted({row[0] for row in rows})
    lane: dict[str, Any] = {"created_by": "main.a", "created_at": "a.go:1", "function": "main.b"}
    return Timeline(
        start=0,
        end=1000,
        recording_start=0,
        cells=cells,
        lanes=[
            Lane(1, goid, total=9, verdict="leak" if goid == 3 else None, **lane) for goid in goids
        ],
        shares=pa.table(
            {
                "pid": [1] * len(rows),
                "goid": [row[0] for row in rows],
                "cell": [row[1] for row in rows],
                "state": [row[2] for row in rows],
                "ns": [row[3] for row in rows],
                "certain": [row[4] for row in rows],
            }
        ),
        live=[],
        peak=0,
        sees_syscalls=False,
    )


def test_a_strip_shows_the_main_state_and_hints_at_the_rest() -> None:
    rows = [
        (2, 0, "running", 100, True),
        (2, 1, "running", 90, True),
        (2, 1, "waiting", 10, True),
        (2, 2, "waiting", 97, True),
        (2, 2, "runnable", 3, True),
        (2, 3, None, 100, False),
    ]
    (group,) = figures.lanes(_timeline(rows))
    (strip,) = group.strips
    assert _corners(strip.paths["running"]) == [(0, 0), (200, 0), (200, 100), (0, 100)]
    assert _corners(strip.paths["waiting"])[:2] == [(200, 0), (300, 0)]
    assert _corners(strip.paths["runnable"])[:2] == [(200, 65), (300, 65)]
    assert _corners(strip.paths["unknown"])[:2] == [(300, 0), (400, 0)]
    assert _corners(strip.uncertain)[:2] == [(300, 0), (400, 0)]
    assert strip.told == "running 190ns, runnable 3ns, unknown 100ns, waiting 107ns"


def test_lanes_of_one_go_statement_stand_together() -> None:
    rows = [(goid, 0, "waiting", 100, True) for goid in (2, 3, 4)]
    (group,) = figures.lanes(_timeline(rows))
    assert [strip.goid for strip in group.strips] == [2, 3, 4]
    assert group.verdict == "leak"


def test_distributions_share_an_axis_that_reaches_to_what_is_open() -> None:
    facts: dict[str, Any] = {"open_longest_ns": None}
    ended = Histogram("ended", facts, [1e3, 2e3, 4e3], [10, 5])
    still = Histogram("open", {"open_longest_ns": 1e6}, [], [])
    found = figures.distributions([ended, still])
    first, second = found.rows
    corners = _corners(first.path)
    assert corners[0] == (0, 100)
    assert corners[1] == (0, 0)  # ten waits: the highest bar
    assert corners[4][0] == corners[2][0]  # the next bar begins where it ends
    assert corners[5][1] == 50
    assert first.open_at is None
    assert second.path == ""
    assert second.open_at == pytest.approx(100 * 3 / 3.0414, abs=0.1)
    assert [tick.label for tick in found.ticks] == ["1µs", "10µs", "100µs", "1ms"]


def test_latency_lies_on_a_logarithmic_scale() -> None:
    steps = [
        {"ts": 0, "ts_end": 500, "p50_ns": 1_000, "p99_ns": 100_000},
        {"ts": 500, "ts_end": 1000, "p50_ns": None, "p99_ns": None},
    ]
    found = figures.late(steps, 0, 1000)
    top = 100 * (1 - 2 / 2.0792)
    assert _corners(found.most) == [
        (0, 100),
        (0, pytest.approx(top, abs=0.1)),
        (500, pytest.approx(top, abs=0.1)),
        (500, 100),
    ]
    assert _corners(found.half)[1] == (0, 100)
    assert [tick.label for tick in found.levels] == ["1µs", "10µs", "100µs"]
