"""The facts of health as a listing."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from gtrace_analyze.render.listing import Column, Layout, arranged, merged, show
from gtrace_analyze.units import number

__all__ = ["show_health"]

_COLUMNS = [
    Column("severity", "SEVERITY"),
    Column("name", "NAME"),
    Column("value", "VALUE", number, right=True),
    Column("description", "DESCRIPTION", wraps=True),
]


def show_health(found: Mapping[str, pa.Table], layout: Layout) -> None:
    """Print the health of one or several traces, by their sources."""
    rows, names = merged(found, lambda row: row["severity"] != "warning")
    source = [Column("source", "SOURCE", elastic=True)] if "source" in names else []
    if layout.form == "text" and not rows:
        arranged(rows, layout, names)
        print("nothing was lost, and nothing else is wrong")
    else:
        show(rows, source + _COLUMNS, layout, names)
