"""The order of the rows of an answer."""

from __future__ import annotations

import pyarrow as pa

__all__ = ["ordered"]


def ordered(table: pa.Table, *names: str) -> pa.Table:
    """The rows in the order of columns, descending by those with a "-" before; NULLs last.

    Of few rows: to plan a sort takes DuckDB longer than it takes Arrow to do it.
    """
    keys = [(n[1:], "descending") if n.startswith("-") else (n, "ascending") for n in names]
    return table.sort_by(keys)
