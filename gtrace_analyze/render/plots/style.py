"""How all pictures look."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gtrace_analyze._errors import UsageError

__all__ = ["ALARM", "INK", "MUTED", "SITES", "STATES", "bare", "figure", "save", "seconds_from"]

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


def seconds_from(started: str | None) -> str:
    """What stands below an axis of time; `started` as in the charts."""
    return "seconds from the start of the recording" + (f", {started}" if started else "")


def save(fig: Figure, path: Path) -> None:
    """Write a figure in the format that the file's name says.

    Raises UsageError if the format is not known or the file cannot be written.
    """
    known = fig.canvas.get_supported_filetypes()
    kind = path.suffix.removeprefix(".").lower()
    if kind not in known:
        raise UsageError(f"{path}: pictures can be written as .png, .svg or .pdf")
    try:
        fig.savefig(path)
    except OSError as e:
        raise UsageError(f"{path}: cannot be written ({e.strerror})") from None
