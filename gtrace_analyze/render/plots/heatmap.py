"""How many lengths of time fell where, over time: a heat map with a logarithmic axis."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure

from gtrace_analyze.render.plots.style import MUTED, bare

__all__ = ["heat", "tick"]

_HEAT = LinearSegmentedColormap.from_list("heat", ["#e4ecf6", "#3b6fb6", "#14294a"])
_STEPS = 100
BINS_PER_DOUBLING = 4


def heat(
    fig: Figure, axes: Axes, cells: pa.Table, count: str, start: float, end: float, what: str
) -> None:
    """Draw `cells` (step, bin and the column `count`) over the seconds from `start` to `end`.

    What the colours stand for is told by `what`.
    """
    bare(axes)
    if not cells.num_rows:
        axes.text(0.5, 0.5, "nothing in this selection", transform=axes.transAxes, ha="center",
                  color=MUTED)  # fmt: skip
        axes.set_yticks([])
        return
    step, bins, counts = (cells[name].to_numpy() for name in ("step", "bin", count))
    low, high = int(bins.min()), int(bins.max())
    grid = np.zeros((high - low + 1, _STEPS))
    np.add.at(grid, (bins - low, step), counts)
    xs = np.linspace(start, end, _STEPS + 1)
    ys = 2.0 ** (np.arange(low, high + 2) / BINS_PER_DOUBLING)
    mesh = axes.pcolormesh(
        xs, ys, np.ma.masked_equal(grid, 0), cmap=_HEAT, norm=LogNorm(1, max(counts.max(), 2)),
        rasterized=True,
    )  # fmt: skip
    axes.set_yscale("log")
    ticks = [10.0**k for k in range(math.ceil(math.log10(ys[0])), int(math.log10(ys[-1])) + 1)]
    axes.set_yticks(ticks, [tick(t) for t in ticks])
    axes.minorticks_off()
    axes.grid(axis="y", color="#eceff2", lw=0.8)
    bar = fig.colorbar(mesh, ax=axes, pad=0.012, fraction=0.02, aspect=30)
    levels = _levels(int(counts.max()))
    bar.set_ticks(levels, labels=[f"{level:,}" for level in levels])
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, colors=MUTED, labelsize=7)
    bar.ax.minorticks_off()
    bar.set_label(what, size=7, color=MUTED)


def _levels(most: int) -> list[int]:
    """Round numbers up to `most`, some at least."""
    powers = [10**k for k in range(len(str(most)))]
    if len(powers) > 2:
        return powers
    return [times * power for power in powers for times in (1, 2, 5) if times * power <= most]


def tick(ns: float) -> str:
    """A round length of time, as an axis shows it."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3), ("ns", 1)):
        if ns >= size:
            return f"{ns / size:g} {unit}"
    return f"{ns:g} ns"
