"""Scheduling latency as listings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from gtrace_analyze.moments import Moments
from gtrace_analyze.render.listing import Column, Layout, merged, show
from gtrace_analyze.units import duration, number, short_function, short_position

__all__ = ["show_latency", "show_over_time", "show_worst"]

_LATENCY = [
    Column("total_ns", "TOTAL", duration, right=True),
    Column("runs", "RUNS", number, right=True),
    Column("p50_ns", "P50", duration, right=True),
    Column("p90_ns", "P90", duration, right=True),
    Column("p99_ns", "P99", duration, right=True),
    Column("max_ns", "MAX", duration, right=True),
    Column("open", "OPEN", number, right=True),
]
_KEYS = {
    "cause": Column("cause", "BECAME RUNNABLE"),
    "function": Column("function", "GOROUTINE", short_function, elastic=True),
    "created_at": Column("created_at", "CREATED AT", short_position, elastic=True, spare=True),
}
_OVER_TIME = [
    Column("at", "AT", right=True),
    Column("runs", "RUNS", number, right=True),
    Column("p50_ns", "P50", duration, right=True),
    Column("p99_ns", "P99", duration, right=True),
    Column("max_ns", "MAX", duration, right=True),
]
_WORST = [
    Column("dur_seen", "LATENCY", duration, right=True),
    Column("at", "AT", right=True),
    Column("goid", "GOID", right=True),
    Column("function", "GOROUTINE", short_function, elastic=True),
    Column("cause", "BECAME"),
    Column("ran", "RAN INSTEAD", elastic=True),
]


def show_latency(found: Mapping[str, pa.Table], layout: Layout) -> None:
    """Print the groups of one or several traces, by their sources."""
    rows, names = merged(found, lambda row: -row["total_ns"])
    keys = [column for name, column in _KEYS.items() if name in names]
    show(rows, [*_source(names), *_LATENCY, *keys], layout, names)


def show_over_time(
    found: Mapping[str, pa.Table], moments: Mapping[str, Moments], layout: Layout
) -> None:
    """Print the hundredths of the time."""
    rows, names = merged(found)
    _show_timed(rows, names, _OVER_TIME, moments, layout)


def show_worst(
    found: Mapping[str, pa.Table],
    moments: Mapping[str, Moments],
    layout: Layout,
    counted: bool = True,
) -> None:
    """Print the longest of all and what ran instead; `counted` as in `show`."""
    rows, names = merged(found, lambda row: -row["dur_seen"])
    if layout.form == "text":
        rows = [row | {"ran": _instead(row)} for row in rows]
    _show_timed(rows, names, _WORST, moments, layout, counted)


def _source(names: list[str]) -> list[Column]:
    return [Column("source", "SOURCE", elastic=True)] if "source" in names else []


def _show_timed(
    rows: list[dict[str, Any]],
    names: list[str],
    columns: list[Column],
    moments: Mapping[str, Moments],
    layout: Layout,
    counted: bool = True,
) -> None:
    """Rows that have a `ts`, each of the recording that is its source."""
    (only, *_) = moments
    told = [(row, moments[row.get("source", only)]) for row in rows]
    if layout.form == "text":
        rows = [row | {"at": by.text(row["ts"])} for row, by in told]
    else:
        rows = [new for row, by in told for new in by.rows([row])]
        names = moments[only].names(names)
    show(rows, [*_source(names), *columns], layout, names, counted=counted)


def _instead(row: dict[str, Any]) -> str:
    """The one that stood in its way most, and how many others."""
    if not row["instead"]:
        return "nothing"
    first, *others = row["instead"]
    mark = "*" if first["same_thread_ns"] else ""
    text = f"{short_function(first['function'])} {first['goid']}{mark} {duration(first['ns'])}"
    return f"{text} +{len(others)}" if others else text
