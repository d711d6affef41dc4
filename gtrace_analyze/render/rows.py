"""Rows of a user's own query."""

from __future__ import annotations

from typing import Any, TextIO

import pyarrow as pa

from gtrace_analyze.render.listing import Column, Layout, show

__all__ = ["show_rows"]


def show_rows(table: pa.Table, layout: Layout, stream: TextIO | None = None) -> None:
    """Print them; NULL as such, numbers to the right."""
    columns = [
        Column(field.name, field.name, _text, right=_is_number(field.type), elastic=True)
        for field in table.schema
    ]
    show(table.to_pylist(), columns, layout, table.column_names, stream)
    if layout.form == "text" and not table.num_rows:
        (stream or _stdout()).write("(no rows)\n")


def _stdout() -> TextIO:
    import sys

    return sys.stdout


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def _text(value: Any) -> str:
    return "NULL" if value is None else str(value).replace("\n", "\\n")
