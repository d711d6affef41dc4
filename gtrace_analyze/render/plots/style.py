"""How all pictures look."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gtrace_analyze._errors import UsageError

__all__ = ["ALARM", "INK", "MUTED", "SITES", "STATES", "bare", "figure", "save", "time_axis"]

INK = "#22272e"
MUTED = "#768390"
ALARM = "#c62828"
# Waiting is what goroutines do nearly all of the time, so it is the quiet colour.
STATES = {
    "running": "#1a9850",
    "syscall": "#7b61c4",
    "runnable": "#f59e0b",
    "waiting": "#c9d6e6",
    "unknown": "#e8e8e8",
}
SITES = ("#3b6fb6", "#e07b39", "#4c9f70", "#b5539c", "#8a6d3b", "#9aa5b1")
_NOTEBOOK_DPI = 85
_UNITS = (("seconds", 1), ("milliseconds", 10**3), ("microseconds", 10**6))
_EDGE = 0.04
_KINDS = (".png", ".svg", ".pdf")


class _Picture(Figure):
    """A figure that a notebook shows, although pyplot knows nothing of it."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        out = io.BytesIO()
        self.savefig(out, format="png")
        return out.getvalue(), {"width": round(self.get_figwidth() * _NOTEBOOK_DPI)}


def figure(width: float, height: float) -> Figure:
    """An empty figure, sizes in inches."""
    return _Picture(figsize=(width, height), dpi=150, facecolor="white")


def bare(axes: Axes) -> None:
    """Take from axes what tells nothing."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#c8ccd1")
    axes.tick_params(length=0, colors=MUTED, labelsize=8)
    axes.set_axisbelow(True)


def time_axis(
    axes: Axes, start: float, end: float, started: str | None, named: bool = True
) -> None:
    """Let axes go from `start` to `end`, in seconds, with ticks in a unit that suits the span.

    `started` is when the recording did, as in the charts. Unless the axis is `named`, it stands
    above another one that is.
    """
    axes.set_xlim(start, end)
    length = end - start
    unit, factor = next((u for u in _UNITS if length * u[1] >= 1), _UNITS[-1])
    places = MaxNLocator(8, steps=[1, 2, 2.5, 5, 10]).tick_values(start, end)
    near = length * 1e-6
    ticks = [place for place in places if start - near <= place <= end + near]
    step = factor * (places[1] - places[0])
    digits = next((n for n in range(9) if abs(round(step, n) - step) < step / 1000), 9)
    axes.set_xticks(ticks, [f"{tick * factor:,.{digits}f}" for tick in ticks])
    # What is written at an end would else be cut by the picture's edge.
    for tick, label in zip(ticks, axes.get_xticklabels(), strict=True):
        if tick - start > (1 - _EDGE) * length:
            label.set_horizontalalignment("right")
    if named:
        when = f", {started}" if started else ""
        axes.set_xlabel(f"{unit} from the start of the recording{when}", size=8, color=MUTED)


def save(fig: Figure, path: Path) -> None:
    """Write a figure in the format that the file's name says.

    Raises UsageError if the format is not known or the file cannot be written.
    """
    if path.suffix.lower() not in _KINDS:
        raise UsageError(f"{path}: pictures can be written as .png, .svg or .pdf")
    try:
        fig.savefig(path)
    except OSError as e:
        raise UsageError(f"{path}: cannot be written ({e.strerror})") from None
