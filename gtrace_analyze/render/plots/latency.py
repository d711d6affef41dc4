"""Scheduling latency over time."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from gtrace_analyze.analyses.latency import Chart
from gtrace_analyze.render.plots.heatmap import heat
from gtrace_analyze.render.plots.style import ALARM, INK, MUTED, SITES, figure, time_axis

__all__ = ["draw"]


def draw(chart: Chart, title: str) -> Figure:
    """How many goroutines waited how long for a processor, with median and 99th percentile."""
    fig = figure(10, 4.6)
    fig.text(0.015, 0.945, "From runnable to running", size=13, weight="bold", color=INK,
             va="center")  # fmt: skip
    fig.text(0.985, 0.945, title, size=8, color=MUTED, ha="right", va="center")
    axes = fig.add_axes((0.075, 0.12, 0.885, 0.75))
    start = (chart.start - chart.recording_start) / 1e9
    end = (chart.end - chart.recording_start) / 1e9
    heat(fig, axes, chart.cells, "runs", start, end, "goroutines that began to run")
    if chart.steps.num_rows:
        ts = (chart.steps["ts"].to_numpy() + chart.steps["ts_end"].to_numpy()) / 2
        seconds = (ts - chart.recording_start) / 1e9
        for name, label, color in (
            ("p50_ns", "median", SITES[1]),
            ("p99_ns", "99th percentile", ALARM),
        ):
            axes.plot(seconds, np.maximum(chart.steps[name].to_numpy(), 1), color=color, lw=1.2,
                      label=label)  # fmt: skip
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.98), ncols=2, frameon=False,
                    fontsize=8, labelcolor=INK)  # fmt: skip
    time_axis(axes, start, end, chart.started)
    return fig
