"""Waits as a listing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from gtrace_analyze.render.listing import Column, Layout, merged, show
from gtrace_analyze.units import duration, number, short_function

__all__ = ["show_park"]

_NUMBERS = [
    Column("waited_ns", "TIME", duration, right=True),
    Column("waits", "WAITS", number, right=True),
    Column("p50_ns", "P50", duration, right=True),
    Column("p99_ns", "P99", duration, right=True),
    Column("max_ns", "MAX", duration, right=True),
    Column("open", "OPEN", number, right=True),
]
_KEYS = {
    "reason": Column("reason", "REASON", elastic=True),
    "function": Column("function", "FUNCTION", short_function, elastic=True),
}


def show_park(found: Mapping[str, pa.Table], by: str, layout: Layout) -> None:
    """Print the waits of one or several traces, by their sources."""
    rows, names = merged(found)
    keys = [column for name, column in _KEYS.items() if name in names]
    source = [Column("source", "SOURCE", elastic=True)] if "source" in names else []
    if layout.form == "text":
        rows = [row | {"waited_ns": row["total_ns"] + row["open_ns"]} for row in rows]
        rows = [row | {"function": _at_line(row)} for row in rows if "line" in row] or rows
    show(rows, [*source, *_NUMBERS, *keys], layout, names)


def _at_line(row: dict[str, Any]) -> str:
    line = "" if row["line"] is None else f":{row['line']}"
    return f"{row['function'] or '-'}{line}"
