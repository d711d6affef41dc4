"""Rows of a user's own query."""

from __future__ import annotations

import sys
from datetime import date, datetime, time
from typing import Any, TextIO

import pyarrow as pa

from gtrace_analyze.render.listing import Column, Layout, records, show, unique

__all__ = ["show_rows"]

_PLAN = ["explain_key", "explain_value"]


def show_rows(table: pa.Table, layout: Layout, stream: TextIO | None = None) -> None:
    """Print them; NULL as such, numbers to the right, and a plan of EXPLAIN as DuckDB draws it."""
    out = stream or sys.stdout
    rows = records(table)
    if layout.form == "text" and table.column_names == _PLAN:
        out.write("\n".join(row["explain_value"].rstrip() for row in rows) + "\n")
        return
    names = unique(table.column_names)
    columns = [
        Column(name, name, _text, right=number, elastic=not number)
        for name, number in zip(names, map(_is_number, table.schema.types), strict=True)
    ]
    show(rows, columns, layout, names, out)
    if layout.form == "text" and not rows:
        out.write("(no rows)\n")


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def _text(value: Any) -> str:
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    return "NULL" if value is None else str(value).replace("\n", "\\n")
