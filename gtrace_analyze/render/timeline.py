"""A timeline drawn with characters."""

from __future__ import annotations

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TextIO

import click
import pyarrow as pa

from gtrace_analyze.analyses.timeline import Lane, Timeline
from gtrace_analyze.moments import Moments
from gtrace_analyze.render.listing import Layout, cut_head, show, sources, terminal_width
from gtrace_analyze.units import duration, short_function

__all__ = ["LABEL_WIDTH", "cells", "show_timelines"]

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
_PARTS = 100  # of the time, in rows
_BARS = " ▁▂▃▄▅▆▇█"


def cells(form: str) -> int:
    """How many parts of the time are told apart: in text, as many as fit beside the labels."""
    return max(terminal_width() - LABEL_WIDTH - 1, 1) if form == "text" else _PARTS


def show_timelines(
    found: Mapping[str, Timeline],
    layout: Layout,
    moments: Mapping[str, Moments],
    stream: TextIO | None = None,
) -> None:
    """Print the charts of one or several traces, by their sources; as JSON or CSV, their cells."""
    out = stream or sys.stdout
    if layout.form != "text":
        rows = sources({source: moments[source].rows(_rows(t)) for source, t in found.items()})
        names = next(iter(moments.values())).names(_NAMES)
        several = ["source"] if len(found) > 1 else []
        show(rows, [], replace(layout, limit=0), [*several, *names], out)
        return
    for number, (source, timeline) in enumerate(found.items()):
        if len(found) > 1:
            out.write("\n" * bool(number) + f"{source}\n")
        _write(timeline, moments[source], out)


def _write(timeline: Timeline, moments: Moments, out: TextIO) -> None:
    length = duration(timeline.end - timeline.start)
    out.write(f"from {moments.text(timeline.start)} on, for {length}\n{_legend()}\n")
    out.write(f"{'alive':>{LABEL_WIDTH}} {_alive(timeline)}\n")
    states = _cells(timeline.shares)
    names, site = _names(timeline.lanes), None
    for lane in timeline.lanes:
        label = _label("" if lane.site == site else names[lane.site], lane)
        site = lane.site
        line = "".join(_mark(states.get((lane.pid, lane.goid, i))) for i in range(timeline.cells))
        out.write(f"{label:>{LABEL_WIDTH}} {line}\n")
    if not timeline.lanes:
        out.write("no goroutine in this selection\n")


def _legend() -> str:
    lines, room = [""], 0
    for state, (mark, color) in _MARKS.items():
        length = len(f"{mark} {state}")
        if lines[-1] and length > room:
            lines.append("")
        room = (room if lines[-1] else terminal_width()) - length - 2
        lines[-1] += f"{'  ' if lines[-1] else ''}{_styled(mark, color)} {state}"
    return "".join(f"{line}\n" for line in lines)


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
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return click.style(text, fg=color) if sys.stdout.isatty() and not plain else text


def _names(lanes: list[Lane]) -> dict[object, str]:
    """What creation sites are called: by the function they start where others share the creator."""
    sites = {lane.site: lane for lane in lanes}
    shared = Counter(lane.name for lane in sites.values())
    return {
        site: lane.name if shared[lane.name] == 1 else short_function(lane.function)
        for site, lane in sites.items()
    }


def _label(name: str, lane: Lane) -> str:
    return f"{cut_head(name, LABEL_WIDTH - len(f' {lane.goid}'))} {lane.goid}"


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
