"""Running time as a listing."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from gtrace_analyze.render.listing import Column, Layout, merged, show
from gtrace_analyze.units import duration, number, short_function, short_position

__all__ = ["show_cpu"]

_NUMBERS = [
    Column("running_ns", "RUNNING", duration, right=True),
    Column("share", "CPU", lambda share: f"{share:.1%}", right=True),
    Column("runs", "RUNS", number, right=True),
    Column("longest_ns", "LONGEST", duration, right=True),
]
_COUNT = Column("goroutines", "GOROUTINES", number, right=True)
_UNCERTAIN = Column("uncertain_ns", "UNCERTAIN", duration, right=True)
_KEYS = [
    Column("goid", "GOID", right=True),
    Column("function", "GOROUTINE", short_function, elastic=True),
    Column("created_at", "CREATED AT", short_position, elastic=True, spare=True),
]


def show_cpu(found: Mapping[str, pa.Table], by: str, layout: Layout, counted: bool = True) -> None:
    """Print the running time of one or several traces, by their sources; `counted` as in `show`."""
    rows, names = merged(found, lambda row: -row["running_ns"])
    source = [Column("source", "SOURCE", elastic=True)] if "source" in names else []
    doubt = [_UNCERTAIN] if any(row["uncertain_ns"] for row in rows) else []
    count = [] if by == "goroutine" else [_COUNT]
    keys = [column for column in _KEYS if column.name in names]
    columns = [*source, *_NUMBERS, *doubt, *count, *keys]
    show(rows, columns, layout, names, counted=counted)
