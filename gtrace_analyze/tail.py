"""Reads a recording that is still being written, each row once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gtrace_rec import schema

__all__ = ["Tail"]


class Tail:
    """The events of a recording in the order they were written, as far as they have come.

    A part is first a stream that grows and then a Parquet file with the same rows, so a place in it
    is a number of rows, whichever of the two it is found in.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._part = 0
        self._rows = 0  # of that part, seen already
        self._side_rows: dict[str, int] = {}

    def events(self) -> Iterator[pa.Table]:
        """What is new, in one or several tables."""
        while True:
            # Looked for before reading: what is closed by then is whole.
            closed = self._exists(self._part + 1)
            table = self._read_part(self._part)
            if table is not None and table.num_rows > self._rows:
                yield table.slice(self._rows)
                self._rows = table.num_rows
            if not closed:
                return
            self._part, self._rows = self._part + 1, 0

    def side(self, name: str) -> pa.Table:
        """What is new in a table beside the events."""
        fields = schema.SIDE_TABLES[name]
        table = _read_stream(self._directory / schema.open_table_name(name))
        if table is None:
            finished = self._directory / schema.table_name(name)
            table = pq.ParquetFile(finished).read() if finished.exists() else fields.empty_table()
        new = table.slice(self._side_rows.get(name, 0))
        self._side_rows[name] = max(table.num_rows, self._side_rows.get(name, 0))
        return new

    def _exists(self, number: int) -> bool:
        names = schema.open_part_name(number), schema.part_name(number)
        return any((self._directory / name).exists() for name in names)

    def _read_part(self, number: int) -> pa.Table | None:
        table = _read_stream(self._directory / schema.open_part_name(number))
        finished = self._directory / schema.part_name(number)
        if table is None and finished.exists():
            table = pq.ParquetFile(finished).read()
        return table


def _read_stream(file: Path) -> pa.Table | None:
    """All whole batches, None if there is no such file any more."""
    batches: list[pa.RecordBatch] = []
    try:
        with pa.memory_map(str(file)) as source, pa.ipc.open_stream(source) as reader:
            batches.extend(reader)
    except FileNotFoundError:
        return None
    except (pa.ArrowException, OSError, StopIteration):
        pass  # As far as it has been written.
    return pa.Table.from_batches(batches).unify_dictionaries() if batches else _NOTHING


_NOTHING = pa.table({})
