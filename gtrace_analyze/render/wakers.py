"""The wake graph as a listing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from gtrace_analyze.render.listing import Column, Layout, merged, show
from gtrace_analyze.units import duration, number, short_function

__all__ = ["show_wakers"]

_COLUMNS = [
    Column("wakes", "WAKES", number, right=True),
    Column("waited_ns", "WAITED", duration, right=True),
    Column("longest_ns", "LONGEST", duration, right=True),
    Column("waker", "WAKER", elastic=True),
    Column("woken", "WOKE", elastic=True),
    Column("reason", "FROM"),
]


def show_wakers(found: Mapping[str, pa.Table], layout: Layout, counted: bool = True) -> None:
    """Print who woke whom in one or several traces, by their sources; `counted` as in `show`."""
    rows, names = merged(found, lambda row: -row["wakes"])
    source = [Column("source", "SOURCE", elastic=True)] if "source" in names else []
    if layout.form == "text":
        rows = [row | {"waker": _waker(row), "woken": _woken(row)} for row in rows]
    show(rows, [*source, *_COLUMNS], layout, names, counted=counted)


def _waker(row: dict[str, Any]) -> str:
    if row["wake"] != "goroutine":
        return f"({row['wake']})"
    return _who(row["waker_function"] or row["waker_goroutine"], row.get("waker_goid"))


def _woken(row: dict[str, Any]) -> str:
    return _who(row["function"] or row["goroutine"], row.get("goid"))


def _who(function: str | None, goid: int | None) -> str:
    return short_function(function) + ("" if goid is None else f" {goid}")
