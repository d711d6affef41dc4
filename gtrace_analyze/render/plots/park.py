"""Distributions of waiting time, one below the other on a common axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gtrace_analyze.analyses.park import Chart, Histogram
from gtrace_analyze.render.plots.heatmap import heat, tick
from gtrace_analyze.render.plots.style import ALARM, INK, MUTED, SITES, bare, figure, time_axis
from gtrace_analyze.units import counted, duration, short_function

__all__ = ["draw", "draw_over_time"]

_LONGEST = 34
_LONGEST_CALLER = 31  # in smaller type, and after an arrow


def draw(histograms: Sequence[Histogram], title: str) -> Figure:
    """The distributions of `park.histograms`, logarithmic in time."""
    rows = max(len(histograms), 1)
    fig = figure(9, 1.5 + 1.05 * rows)
    fig.text(0.03, 1 - 0.32 / fig.get_figheight(), "How long goroutines waited", size=13,
             weight="bold", color=INK, va="center")  # fmt: skip
    fig.text(0.97, 1 - 0.32 / fig.get_figheight(), title, size=8, color=MUTED, va="center",
             ha="right")  # fmt: skip
    if not histograms:
        fig.text(0.5, 0.45, "no goroutine waited", size=11, color=MUTED, ha="center")
        return fig
    low = min((h.edges[0] for h in histograms if h.edges), default=1e3)
    still = [h.facts["open_longest_ns"] for h in histograms if h.facts["open"]]
    high = max([*(h.edges[-1] for h in histograms if h.edges), *still], default=1e9)
    grid = fig.add_gridspec(
        rows, 1, left=0.24, right=0.97, hspace=0.25,
        top=1 - 0.65 / fig.get_figheight(), bottom=0.62 / fig.get_figheight(),
    )  # fmt: skip
    for number, histogram in enumerate(histograms):
        axes = fig.add_subplot(grid[number])
        _panel(axes, histogram, SITES[number % len(SITES)])
        axes.set_xscale("log")
        axes.set_xlim(low / 1.3, high * 1.3)
        ticks = [10.0**k for k in range(math.ceil(math.log10(low)), int(math.log10(high)) + 1)]
        axes.set_xticks(
            ticks, [tick(t) for t in ticks] if number == rows - 1 else [""] * len(ticks)
        )
        axes.minorticks_off()
        axes.grid(axis="x", color="#eceff2", lw=0.8)
    below = 0.12 / fig.get_figheight()
    fig.text(0.97, below, "length of a wait", size=8, color=MUTED, ha="right")
    if still:
        fig.text(0.24, below, "▸ so long had the longest lasted of those that did not end", size=8,
                 color=ALARM)  # fmt: skip
    return fig


def draw_over_time(chart: Chart, title: str) -> Figure:
    """When waits of which length ended, as a heat map."""
    fig = figure(10, 4.6)
    fig.text(0.015, 0.945, "How long goroutines had waited when they were woken", size=13,
             weight="bold", color=INK, va="center")  # fmt: skip
    fig.text(0.985, 0.945, title, size=8, color=MUTED, ha="right", va="center")
    axes = fig.add_axes((0.075, 0.12, 0.885, 0.75))
    start = (chart.start - chart.recording_start) / 1e9
    end = (chart.end - chart.recording_start) / 1e9
    heat(fig, axes, chart.cells, "waits", start, end, "waits that ended")
    time_axis(axes, start, end, chart.started)
    return fig


def _panel(axes: Axes, histogram: Histogram, color: str) -> None:
    bare(axes)
    axes.set_yticks([])
    if histogram.waits:
        axes.stairs(histogram.waits, histogram.edges, fill=True, color=color, alpha=0.85, lw=0)
        axes.set_ylim(0, max(histogram.waits) * 1.1)
    else:
        axes.text(0.5, 0.4, "none ended", transform=axes.transAxes, ha="center", size=8,
                  color=MUTED)  # fmt: skip
    facts = histogram.facts
    counts = counted(facts["waits"], "wait")
    if facts["waits"]:
        counts += f", half ≤ {duration(facts['p50_ns'])}"
    by_reason = "function" not in facts
    outside: dict[str, Any] = {"transform": axes.transAxes, "ha": "right"}
    name = _cut(histogram.label if by_reason else short_function(histogram.label))
    if histogram.caller:
        axes.text(-0.02, 0.84, name, size=9, color=INK, **outside)
        caller = _cut(f"← {short_function(histogram.caller)}", _LONGEST_CALLER)
        axes.text(-0.02, 0.62, caller, size=7, color=INK, **outside)
    else:
        axes.text(-0.02, 0.62, name, size=9, color=INK, **outside)
    axes.text(-0.02, 0.34, counts, size=7, color=MUTED, **outside)
    if facts["open"]:
        text = f"{facts['open']:,} not ended, up to {duration(facts['open_longest_ns'])}"
        axes.text(-0.02, 0.08, text, size=7, color=INK, **outside)
        axes.plot([facts["open_longest_ns"]], [0.12], marker=">", color=ALARM, markersize=5,
                  transform=axes.get_xaxis_transform(), clip_on=False)  # fmt: skip


def _cut(name: str, most: int = _LONGEST) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
