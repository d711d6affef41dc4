"""A Gantt chart of goroutines below the number of goroutines alive."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import offset_copy
from numpy.typing import NDArray

from gtrace_analyze.analyses.timeline import Lane, Timeline
from gtrace_analyze.render.plots.style import (
    ALARM,
    INK,
    MUTED,
    SITES,
    STATES,
    bare,
    figure,
    time_axis,
)
from gtrace_analyze.units import counted, short_function, short_place

__all__ = ["draw"]

_LANE_PIXELS = 10
_GAP_PIXELS = 3
_ORDER = ("running", "syscall", "runnable", "unknown", "waiting")
_LANE_INCHES = 0.19
_MOST_SITES = 5
_ASIDE_POINTS = 1.5
_LONGEST = 44  # a line beside a lane


def draw(timeline: Timeline, title: str) -> Figure:
    """The chart of what `timeline.collect` found.

    Within a lane and column, the height of a colour is the share of time in that state; a state
    that occurs at all is drawn at least a sliver high. Stripes mark what is uncertain.
    """
    lanes = max(len(timeline.lanes), 1)
    height = 3.5 + _LANE_INCHES * lanes
    fig = figure(11, height)
    fig.text(0.015, 1 - 0.3 / height, "Goroutines over time", size=13, weight="bold", color=INK,
             va="center")  # fmt: skip
    fig.text(0.985, 1 - 0.3 / height, title, size=8, color=MUTED, ha="right", va="center")
    grid = fig.add_gridspec(
        2, 1, left=0.27, right=0.985, top=1 - 0.65 / height, bottom=0.8 / height,
        height_ratios=[1.5, _LANE_INCHES * lanes], hspace=0.45 / (0.75 + _LANE_INCHES * lanes / 2),
    )  # fmt: skip
    live, gantt = fig.add_subplot(grid[0]), fig.add_subplot(grid[1])
    start = (timeline.start - timeline.recording_start) / 1e9
    end = (timeline.end - timeline.recording_start) / 1e9
    _draw_live(live, timeline)
    _draw_lanes(gantt, timeline, start, end)
    time_axis(live, start, end, timeline.started, named=False)
    time_axis(gantt, start, end, timeline.started)
    _legend(fig, timeline, height)
    return fig


def _draw_live(axes: Axes, timeline: Timeline) -> None:
    bare(axes)
    ts = np.linspace(timeline.start, timeline.end, 400)
    series = [(s.label, np.array([s.at(int(t)) for t in ts])) for s in timeline.live]
    series = sorted((s for s in series if s[1].any()), key=lambda s: -s[1][-1])
    shown = [(short_function(label), live) for label, live in series[:_MOST_SITES]]
    if rest := series[_MOST_SITES:]:
        shown.append((counted(len(rest), "other"), np.sum([live for _, live in rest], axis=0)))
    seconds = (ts - timeline.recording_start) / 1e9
    if shown:
        labels = [f"{_cut(label, 30)}  {live[-1]:.0f}" for label, live in shown]
        axes.stackplot(seconds, [live for _, live in shown], labels=labels, colors=SITES,
                       step="post", lw=0)  # fmt: skip
        axes.set_ylim(0, max(1, np.sum([live for _, live in shown], axis=0).max()) * 1.15)
        handles, texts = axes.get_legend_handles_labels()
        legend = axes.legend(
            handles[::-1], texts[::-1], loc="center right", bbox_to_anchor=(-0.07, 0.5),
            frameon=False, fontsize=7.5, labelcolor=INK, handlelength=0.9, labelspacing=0.35,
            title="alive at the end, by creator", title_fontproperties={"size": 7},
            alignment="right",
        )  # fmt: skip
        legend.get_title().set_color(MUTED)
    axes.grid(axis="y", color="#eceff2", lw=0.8)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))


def _draw_lanes(axes: Axes, timeline: Timeline, start: float, end: float) -> None:
    bare(axes)
    count = len(timeline.lanes)
    if not count:
        axes.text(0.5, 0.5, "no goroutine in this selection", transform=axes.transAxes,
                  ha="center", va="center", color=MUTED)  # fmt: skip
        axes.set_yticks([])
        return
    axes.imshow(_picture(timeline), extent=(start, end, count, 0), aspect="auto",
                interpolation="nearest")  # fmt: skip
    axes.set_yticks([i + 0.5 for i in range(count)], [str(lane.goid) for lane in timeline.lanes])
    axes.tick_params(axis="y", labelsize=6.5, pad=2)
    axes.grid(axis="x", color="#ffffff", lw=0.6, alpha=0.6)
    _draw_wakes(axes, timeline)
    first = 0
    for _, group in groupby(timeline.lanes, key=lambda lane: lane.site):
        lanes = list(group)
        _label(axes, first, lanes)
        first += len(lanes)
        if first < count:
            axes.axhline(first - 0.13, color="#c8ccd1", lw=0.6, xmin=-0.36, clip_on=False)


def _draw_wakes(axes: Axes, timeline: Timeline) -> None:
    """An arrow from each waker to the one it woke; those up lie beside those down."""
    place = {(lane.pid, lane.goid): i + 0.5 for i, lane in enumerate(timeline.lanes)}
    fig = axes.get_figure(root=True)
    beside = [
        offset_copy(axes.transData, fig, x=side * _ASIDE_POINTS, units="points") for side in (-1, 1)
    ]
    for wake in timeline.wakes:
        seconds = (wake.ts - timeline.recording_start) / 1e9
        woken, waker = place[wake.pid, wake.goid], place[wake.pid, wake.waker_goid]
        axes.annotate(
            "", xy=(seconds, woken), xytext=(seconds, waker),
            xycoords=beside[woken > waker], textcoords=beside[woken > waker],
            arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 0.6, "alpha": 0.7,
                        "shrinkA": 0, "shrinkB": 0, "mutation_scale": 6},
        )  # fmt: skip


def _label(axes: Axes, first: int, lanes: Sequence[Lane]) -> None:
    """The creation site's name, beside its lanes."""
    lane = lanes[0]
    name = lane.name
    more = f"{len(lanes)} of {lane.total:,}" if lane.total > len(lanes) else ""
    place = ""
    if lane.created_at and lane.function != "runtime.main":
        file, _, line = lane.created_at.rpartition(":")
        place = short_place(file, int(line))
    verdicts = {lane.verdict for lane in lanes} - {None}
    verdict = "" if not verdicts else "leak" if "leak" in verdicts else "suspect"
    where = " · ".join(text for text in (verdict, place) if text)
    below = ", ".join(text for text in (where, more) if text)
    middle = first + len(lanes) / 2
    beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "ha": "right", "x": -0.055}
    color = ALARM if verdicts else INK
    if len(lanes) == 1:
        if len(name) + len(below) > _LONGEST:
            below = where
        text = f"{_cut(name, _LONGEST - len(below))}  {below}".rstrip()
        axes.text(y=middle, s=text, va="center", size=6.5, color=color, **beside)
        return
    axes.text(y=middle - 0.1, s=_cut(name, 40), va="bottom", size=7.5, color=color, **beside)
    axes.text(y=middle + 0.1, s=_cut(below, 46), va="top", size=6.5, color=MUTED, **beside)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _picture(timeline: Timeline) -> NDArray[np.float64]:
    """The lanes as pixels."""
    place = {(lane.pid, lane.goid): i for i, lane in enumerate(timeline.lanes)}
    shares = np.zeros((len(place), len(_ORDER), timeline.cells))
    doubt = np.zeros((len(place), timeline.cells), dtype=bool)
    columns = timeline.shares.to_pydict()
    lane = np.array([place[key] for key in zip(columns["pid"], columns["goid"], strict=True)], int)
    state = np.array([_ORDER.index(s or "unknown") for s in columns["state"]], int)
    cell = np.array(columns["cell"], int)
    length = max(timeline.end - timeline.start, 1) / timeline.cells
    np.add.at(shares, (lane, state, cell), np.array(columns["ns"], float) / length)
    doubt[lane, cell] |= ~np.array(columns["certain"], bool)

    heights = np.where(shares > 0, np.maximum(shares * _LANE_PIXELS, 1), 0)
    tops = heights.cumsum(axis=1)
    image = np.ones((len(place), _LANE_PIXELS + _GAP_PIXELS, timeline.cells, 3))
    rows = np.arange(_LANE_PIXELS) + 0.5
    for number in reversed(range(len(_ORDER))):
        filled = rows[None, :, None] < tops[:, None, number, :]
        # Pixels count from the top, states are stacked from the bottom.
        image[:, :_LANE_PIXELS][filled[:, ::-1]] = to_rgb(STATES[_ORDER[number]])
    stripes = (np.arange(timeline.cells)[None, :] + rows.astype(int)[:, None]) % 8 < 3
    uncertain = doubt[:, None, :] & stripes[None]
    image[:, :_LANE_PIXELS][uncertain] = 0.5 + 0.5 * image[:, :_LANE_PIXELS][uncertain]
    flat: NDArray[np.float64] = image.reshape(-1, timeline.cells, 3)
    return flat


def _legend(fig: Figure, timeline: Timeline, height: float) -> None:
    seen = {state or "unknown" for state in timeline.shares["state"].to_pylist()}
    names = {} if timeline.sees_syscalls else {"running": "running, or in a system call"}
    handles: list[Artist] = [
        Patch(color=STATES[s], label=names.get(s, s)) for s in _ORDER if s in seen
    ]
    if timeline.wakes:
        handles.append(Line2D([], [], color=INK, lw=0.8, marker=">", markersize=4, label="wakes"))
    elif timeline.wake_count:
        wakes = counted(timeline.wake_count, "wake-up")
        many = f"{wakes}, too many to draw: choose a shorter time"
        fig.text(0.985, 0.2 / height, many, size=8, color=MUTED, ha="right", va="center")
    if handles:
        fig.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.015, 0.1 / height),
                   ncols=len(handles), frameon=False, fontsize=8, labelcolor=INK,
                   handlelength=1.0, columnspacing=1.2)  # fmt: skip
