"""A timeline drawn with characters."""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import Any, TextIO

import click
import pyarrow as pa

from gtrace_analyze.analyses.timeline import Lane, Timeline
from gtrace_analyze.moments import Moments
from gtrace_analyze.render.listing import Layout, show, terminal_width
from gtrace_analyze.units import duration

__all__ = ["LABEL_WIDTH", "cells_for_text", "show_timeline"]

LABEL_WIDTH = 34
_MARKS = {
    "running": ("█", "green"),
    "syscall": ("▓", "magenta"),
    "runnable": ("▒", "yellow"),
    "waiting": ("─", "blue"),
    "unknown": ("?", "white"),
    "waiting, ran in between": ("┼", "cyan"),
}
_NAMES = ["pid", "goid", "ts", "ts_end", "state", "ns", "certain"]
_BARS = " ▁▂▃▄▅▆▇█"


def cells_for_text() -> int:
    """How many columns of the terminal the chart itself has."""
    return terminal_width() - LABEL_WIDTH - 1


def show_timeline(
    timeline: Timeline, layout: Layout, moments: Moments, stream: TextIO | None = None
) -> None:
    """Print the chart; as JSON or CSV, its cells."""
    out = stream or sys.stdout
    if layout.form != "text":
        show(moments.rows(_rows(timeline)), [], layout, moments.names(_NAMES), out)
        return
    length = duration(timeline.end - timeline.start)
    names = "  ".join(f"{_styled(mark, color)} {state}" for state, (mark, color) in _MARKS.items())
    out.write(f"from {moments.text(timeline.start)} on, for {length}\n{names}\n\n")
    out.write(f"{'alive':>{LABEL_WIDTH}} {_alive(timeline)}\n")
    cells = _cells(timeline.shares)
    site = None
    for lane in timeline.lanes:
        label, site = _label(lane, site)
        line = "".join(_mark(cells.get((lane.pid, lane.goid, i))) for i in range(timeline.cells))
        out.write(f"{label:>{LABEL_WIDTH}} {line}\n")
    if not timeline.lanes:
        out.write("no goroutine in this selection\n")


def _rows(timeline: Timeline) -> list[dict[str, Any]]:
    length = (timeline.end - timeline.start) / timeline.cells
    return [
        row
        | {
            "ts": timeline.start + round(row["cell"] * length),
            "ts_end": timeline.start + round((row["cell"] + 1) * length),
        }
        for row in timeline.shares.sort_by(
            [("goid", "ascending"), ("cell", "ascending")]
        ).to_pylist()
    ]


def _cells(shares: pa.Table) -> dict[tuple[int, int, int], str]:
    """The state that fills most of each cell."""
    states: dict[tuple[int, int, int], dict[str, int]] = defaultdict(dict)
    for row in shares.to_pylist():
        states[row["pid"], row["goid"], row["cell"]][row["state"] or "unknown"] = row["ns"]
    return {key: _main_state(parts) for key, parts in states.items()}


def _main_state(parts: dict[str, int]) -> str:
    state = max(parts, key=lambda s: parts[s])
    return "waiting, ran in between" if state == "waiting" and "running" in parts else state


def _mark(state: str | None) -> str:
    return " " if state is None else _styled(*_MARKS[state])


def _styled(text: str, color: str) -> str:
    return click.style(text, fg=color) if sys.stdout.isatty() else text


def _label(lane: Lane, above: object) -> tuple[str, object]:
    """The goroutine's number, after its creator's name where that changes."""
    site = (lane.created_by, lane.created_at, lane.function)
    name = "" if site == above else lane.name
    room = LABEL_WIDTH - len(f" {lane.goid}")
    if len(name) > room:
        name = "…" + name[1 - room :]
    return f"{name} {lane.goid}", site


def _alive(timeline: Timeline) -> str:
    """The number of living goroutines as little bars."""
    counts = []
    for cell in range(timeline.cells):
        ts = timeline.start + (cell + 1) * (timeline.end - timeline.start) // timeline.cells
        counts.append(sum(s.at(ts) for s in timeline.live))
    most = max([*counts, 1])
    bars = "".join(_BARS[-(-count * (len(_BARS) - 1) // most)] for count in counts)
    first = sum(s.at(timeline.start) for s in timeline.live)
    numbers = f"{first:,} at first, {counts[-1]:,} at last, {timeline.peak:,} at most"
    return f"{bars}\n{'':>{LABEL_WIDTH}} {numbers}"
