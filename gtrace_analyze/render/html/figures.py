"""The report's figures as geometry: paths of SVG and positions in percent, no text of the target.

All shapes live in a box 1000 wide and 100 high that the page stretches; labels are HTML beside it,
so that no letter is stretched and every name is escaped by the template.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gtrace_analyze.analyses.park import Histogram
from gtrace_analyze.analyses.timeline import Lane, Series, Timeline
from gtrace_analyze.units import duration

__all__ = [
    "Alive",
    "Distribution",
    "Distributions",
    "LaneGroup",
    "Late",
    "Layer",
    "Strip",
    "Tick",
    "alive",
    "distributions",
    "gap_bands",
    "lanes",
    "late",
    "time_ticks",
]

_WIDTH = 1000
_HEIGHT = 100
_SAMPLES = 400
_MOST_LAYERS = 6
# From the bottom of a strip to its top; the first of them is told even where it is short.
STATES = ("running", "syscall", "runnable", "unknown", "waiting")
_LOW_BAND = 35
_SECOND = 10**9
_STEPS = sorted(
    [m * 10**k for k in range(10) for m in (1, 2, 5)]
    + [10 * _SECOND, 20 * _SECOND, 30 * _SECOND]
    + [m * 60 * _SECOND for m in (1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440)]
)


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis, in percent of it."""

    at: float
    label: str


@dataclass(frozen=True)
class Layer:
    """The goroutines of one creation site, as an area on those below it."""

    label: str
    path: str
    last: int
    most: int


@dataclass(frozen=True)
class Alive:
    """How many goroutines are alive, over time."""

    layers: list[Layer]
    levels: list[Tick]


@dataclass(frozen=True)
class Strip:
    """One goroutine: a path for each state, and what it did in words."""

    goid: int
    paths: dict[str, str]
    uncertain: str
    told: str


@dataclass(frozen=True)
class LaneGroup:
    """Strips of goroutines that one go statement made."""

    site: Lane
    verdict: str | None
    strips: list[Strip]


@dataclass(frozen=True)
class Distribution:
    """One histogram. ``open_at``: how long the longest that has not ended lasted, in percent."""

    label: str
    facts: dict[str, Any]
    path: str
    open_at: float | None
    caller: str | None


@dataclass(frozen=True)
class Distributions:
    """Histograms on one logarithmic axis."""

    rows: list[Distribution]
    ticks: list[Tick]


@dataclass(frozen=True)
class Late:
    """Scheduling latency over time: areas below the median and below 99 of 100."""

    half: str
    most: str
    levels: list[Tick]


def time_ticks(length: int, most: int = 8) -> list[Tick]:
    """Round moments from 0 to `length` ns, at most about `most`."""
    step = next((s for s in _STEPS if length <= s * most), _STEPS[-1])
    return [Tick(100 * ns / max(length, 1), _round(ns)) for ns in range(0, length + 1, step)]


def gap_bands(gaps: Iterable[dict[str, Any]], start: int, end: int) -> list[tuple[float, float]]:
    """Where the spans that were not seen whole lie: left and width in percent, merged."""
    length = max(end - start, 1)
    bands: list[tuple[float, float]] = []
    for gap in gaps:
        left = 100 * (max(gap["ts"], start) - start) / length
        right = max(100 * (min(gap["ts_end"], end) - start) / length, left + 0.1)
        if bands and left <= sum(bands[-1]):
            bands[-1] = (bands[-1][0], max(right, sum(bands[-1])) - bands[-1][0])
        else:
            bands.append((left, right - left))
    return bands


def alive(series: Sequence[Series], start: int, end: int) -> Alive:
    """The sites with most goroutines at the end, one on the other, the rest as one."""
    moments = np.linspace(start, end, _SAMPLES).astype(np.int64)
    counts = [(s.label, np.array([s.at(int(t)) for t in moments])) for s in series]
    counts = sorted((c for c in counts if c[1].any()), key=lambda c: (-c[1][-1], -c[1].max()))
    shown, rest = counts[: _MOST_LAYERS - 1], counts[_MOST_LAYERS - 1 :]
    if rest:
        others = f"{len(rest)} other go statements" if len(rest) > 1 else rest[0][0]
        shown.append((others, np.sum([live for _, live in rest], axis=0)))
    top = max(1, int(np.sum([live for _, live in shown], axis=0).max())) if shown else 1
    below = np.zeros(_SAMPLES, np.int64)
    layers = []
    for label, live in shown:
        layers.append(Layer(label, _area(below, below + live, top), int(live[-1]), int(live.max())))
        below = below + live
    return Alive(layers, _levels(top))


def _area(low: NDArray[np.int64], high: NDArray[np.int64], top: int) -> str:
    """The area between two step functions."""
    return f"{_steps(high, top, 'M', 1)}{_steps(low[::-1], top, 'L', -1)}z"


def _steps(values: NDArray[np.int64], top: int, begin: str, direction: int) -> str:
    xs = np.linspace(0, _WIDTH, len(values))[::direction]
    ys = _HEIGHT * (1 - values / top)
    path = [f"{begin}{_n(xs[0])} {_n(ys[0])}"]
    for i in np.flatnonzero(np.diff(values)) + 1:
        # A step lies where the later moment is, whichever way the line goes.
        path.append(f"H{_n(xs[i] if direction > 0 else xs[i - 1])}V{_n(ys[i])}")
    return "".join(path) + f"H{_n(xs[-1])}"


def _levels(top: int) -> list[Tick]:
    step = next(m * 10**k for k in range(12) for m in (1, 2, 5) if top <= m * 10**k * 5 or k == 11)
    return [Tick(100 * (1 - n / top), f"{n:,}") for n in range(0, top + 1, step)]


def lanes(timeline: Timeline) -> list[LaneGroup]:
    """The lanes of a timeline, together where one go statement made them."""
    shares, doubt = _shares(timeline)
    strips = [
        _strip(lane, shares[number], doubt[number]) for number, lane in enumerate(timeline.lanes)
    ]
    numbered = enumerate(timeline.lanes)
    groups = []
    for _, members in groupby(numbered, key=lambda entry: entry[1].site):
        found = list(members)
        verdicts = {lane.verdict for _, lane in found} - {None}
        verdict = "leak" if "leak" in verdicts else "suspect" if verdicts else None
        groups.append(LaneGroup(found[0][1], verdict, [strips[number] for number, _ in found]))
    return groups


def _shares(timeline: Timeline) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """By lane, state and cell: ns; by lane and cell: whether something is uncertain."""
    place = {(lane.pid, lane.goid): i for i, lane in enumerate(timeline.lanes)}
    shares = np.zeros((len(place), len(STATES), timeline.cells), np.int64)
    doubt = np.zeros((len(place), timeline.cells), bool)
    columns = timeline.shares.to_pydict()
    lane = np.array([place[key] for key in zip(columns["pid"], columns["goid"], strict=True)], int)
    state = np.array([STATES.index(s or "unknown") for s in columns["state"]], int)
    cell = np.array(columns["cell"], int)
    np.add.at(shares, (lane, state, cell), np.array(columns["ns"], np.int64))
    doubt[lane, cell] |= ~np.array(columns["certain"], bool)
    return shares, doubt


def _strip(lane: Lane, shares: NDArray[np.int64], doubt: NDArray[np.bool_]) -> Strip:
    there = shares.any(axis=0)
    main = np.where(there, shares.argmax(axis=0), -1)
    paths = {}
    for number, state in enumerate(STATES):
        path = _bars(main == number, 0)
        if state in ("running", "syscall", "runnable"):
            path += _bars((shares[number] > 0) & (main != number), _HEIGHT - _LOW_BAND)
        if path:
            paths[state] = path
    totals = zip(STATES, shares.sum(axis=1).tolist(), strict=True)
    told = ", ".join(f"{state} {duration(ns)}" for state, ns in totals if ns)
    return Strip(lane.goid, paths, _bars(doubt, 0), told)


def _bars(where: NDArray[np.bool_], y: int) -> str:
    """A rectangle from `y` down to the bottom for each run of cells."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], where, [False]])))
    cell = _WIDTH / len(where)
    return "".join(
        f"M{_n(a * cell)} {y}h{_n((b - a) * cell)}v{_HEIGHT - y}h{_n((a - b) * cell)}z"
        for a, b in edges.reshape(-1, 2).tolist()
    )


def distributions(histograms: Sequence[Histogram]) -> Distributions:
    """Histograms over a common axis, which reaches as far as the longest that has not ended."""
    low = min((h.edges[0] for h in histograms if h.edges), default=1e3)
    ends = [h.edges[-1] for h in histograms if h.edges]
    ends += [h.facts["open_longest_ns"] or 0 for h in histograms]
    first, last = math.log10(max(low, 1)), math.log10(max([*ends, low * 10]) * 1.1)

    def at(ns: float) -> float:
        return 100 * (math.log10(max(ns, 1)) - first) / (last - first)

    rows = []
    for h in histograms:
        longest = h.facts["open_longest_ns"]
        rows.append(
            Distribution(
                h.label,
                h.facts,
                _histogram(h, at),
                None if longest is None else at(longest),
                h.caller,
            )
        )
    ticks = [Tick(at(10.0**k), _round(10**k)) for k in range(math.ceil(first), int(last) + 1)]
    return Distributions(rows, ticks)


def late(steps: Sequence[dict[str, Any]], start: int, end: int) -> Late:
    """The latency of `latency_over_time`, on a logarithmic scale."""
    known = [step for step in steps if step["p99_ns"]]
    values = [max(step[name], 1) for step in known for name in ("p50_ns", "p99_ns")]
    first = math.floor(math.log10(min(values, default=1e3)))
    last = math.log10(max(values, default=1e6) * 1.2)

    def y(ns: float) -> float:
        return _HEIGHT * (1 - (math.log10(max(ns, 1)) - first) / (last - first))

    def area(name: str) -> str:
        path = []
        for step in known:
            left, right = ((step[k] - start) / max(end - start, 1) for k in ("ts", "ts_end"))
            path.append(f"M{_n(left * _WIDTH)} 100V{_n(y(step[name]))}H{_n(right * _WIDTH)}V100z")
        return "".join(path)

    levels = [Tick(y(10.0**k), _round(10**k)) for k in range(first, int(last) + 1)]
    return Late(area("p50_ns"), area("p99_ns"), levels)


def _histogram(histogram: Histogram, at: Any) -> str:
    most = max(histogram.waits, default=0)
    bars = zip(histogram.edges, histogram.edges[1:], histogram.waits, strict=False)
    path = []
    for left, right, count in bars:
        if count:
            # What is there at all is seen.
            height = max(_HEIGHT * count / most, 4)
            x, width = 10 * at(left), 10 * (at(right) - at(left))
            path.append(f"M{_n(x)} {_HEIGHT}v-{_n(height)}h{_n(width)}v{_n(height)}z")
    return "".join(path)


def _round(ns: int) -> str:
    """A length of time that is round anyway: "250ms", "1h30m"."""
    if ns == 0:
        return "0"
    parts = []
    sizes = ("d", 86_400 * _SECOND), ("h", 3600 * _SECOND), ("m", 60 * _SECOND), ("s", _SECOND)
    for unit, size in (*sizes, ("ms", 10**6), ("µs", 10**3), ("ns", 1)):
        count, ns = divmod(ns, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
