"""Rows out of DuckDB in batches, text out of rows, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import pyarrow as pa

from gtrace_analyze.engine import Engine

__all__ = ["BATCH", "batches", "first", "write_text"]

BATCH = 65_536  # rows


def batches(
    engine: Engine, sql: str, parameters: Mapping[str, Any], rows: int = BATCH
) -> Iterator[pa.RecordBatch]:
    """The rows of a query as they come, at least one batch, which may be empty.

    Until the last is read, no other query can run. Of the parameters, the query takes those that it
    names.
    """
    named = {name: value for name, value in parameters.items() if f"${name}" in sql}
    reader = engine.reader(sql, named, rows)
    batch = None
    for batch in reader:
        yield batch
    if batch is None:
        yield pa.RecordBatch.from_pylist([], schema=reader.schema)


def first(engine: Engine, sql: str, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    """The first row of a query, if it has any."""
    for batch in batches(engine, f"{sql} LIMIT 1", parameters):
        for row in batch.to_pylist():
            found: dict[str, Any] = row
            return found
    return None


def write_text(engine: Engine, sql: str, parameters: Mapping[str, Any], out: BinaryIO) -> int:
    """Write the only column of a query, strings that end as they should; returns their number.

    Arrow keeps the strings of a column one after the other, so they are written as they lie there.
    """
    count = 0
    for batch in batches(engine, sql, parameters):
        column = batch.column(0).cast(pa.large_string())
        _, ends, data = column.buffers()
        if len(column):
            first, last = (
                int.from_bytes(ends.slice((column.offset + i) * 8, 8).to_pybytes(), "little")
                for i in (0, len(column))
            )
            out.write(data.slice(first, last - first))
        count += len(column)
    return count
