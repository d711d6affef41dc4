"""Columns of which values are taken at many places, faster than Arrow does by itself."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = [
    "Column",
    "Columns",
    "Mask",
    "Positions",
    "reusing_memory",
    "valid_of",
    "values_of",
    "with_nulls",
]

Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
_Values = npt.NDArray[Any]

_KEPT = 10_000  # ms
_MORE = 1.25  # how much more room is made than is needed, since what comes next may be longer


class Column:
    """A column of fixed width, of which values are taken several times."""

    def __init__(self, kind: pa.DataType, values: _Values, valid: Mask | None) -> None:
        self.values = values  # whatever stands there where one is NULL
        self._kind = kind
        self._valid = None if valid is None else _array(valid.view(np.uint8))
        self._empty = valid is not None and not valid.any()
        self._taken = _array(values)
        self._same = _the_same(self._taken) if valid is None else None
        if self._same is not None:
            self._same = self._same.cast(kind)

    def at(self, positions: pa.Array, where: Mask | None = None) -> pa.Array:
        """The values at these positions (uint32: twice as fast as others); NULL except `where`."""
        if self._empty:
            return pa.nulls(len(positions), self._kind)
        if self._same is not None:
            taken = pa.repeat(self._same, len(positions))
        else:
            # Values and whether they are valid apart: together it takes Arrow three times as long.
            taken = pc.take(self._taken, positions, boundscheck=False)
            if pa.types.is_boolean(self._kind):
                taken = pa.array(taken.to_numpy().view(bool))
        if self._valid is not None:
            valid = pc.take(self._valid, positions, boundscheck=False).to_numpy().view(bool)
            where = valid if where is None else valid & where
        return taken if where is None else with_nulls(taken, where)


class Columns:
    """The columns of one table after the other, in memory that is used again: to get it anew from
    the kernel takes longer than to fill it."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._room: dict[tuple[str, np.dtype[Any]], _Values] = {}

    def of(self, tables: Sequence[pa.Table]) -> dict[str, Column]:
        """Those of these tables, one below the other; what was told before is gone."""
        rows = sum(table.num_rows for table in tables)
        return {
            field.name: self._column(
                field, rows, (chunk for table in tables for chunk in table[field.name].chunks)
            )
            for field in self._schema
        }

    def _column(self, field: pa.Field, rows: int, chunks: Iterable[pa.Array]) -> Column:
        boolean = pa.types.is_boolean(field.type)
        kind = np.dtype(np.uint8 if boolean else field.type.to_pandas_dtype())
        values = self._room_for(field.name, kind, rows)
        valid = None
        end = 0
        for chunk in chunks:
            begin, end = end, end + len(chunk)
            values[begin:end] = values_of(chunk)
            if chunk.null_count and valid is None:
                valid = self._room_for(field.name, np.dtype(bool), rows)
                valid[:begin] = True
            if valid is not None:
                valid[begin:end] = valid_of(chunk) if chunk.null_count else True
        return Column(field.type, values, valid)

    def _room_for(self, name: str, kind: np.dtype[Any], rows: int) -> _Values:
        room = self._room.get((name, kind))
        if room is None or len(room) < rows:
            room = self._room[name, kind] = np.empty(int(rows * _MORE), kind)
        return room[:rows]


def _array(values: _Values) -> pa.Array:
    """The same values, not copied."""
    return pa.Array.from_buffers(
        pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(values)]
    )


def _the_same(values: pa.Array) -> pa.Scalar | None:
    """What all of them are; None if they differ."""
    if not len(values) or values[0] != values[-1]:
        return None
    ends = pc.min_max(values)
    return values[0] if ends["min"] == ends["max"] else None


def values_of(column: pa.Array) -> _Values:
    """The values as they lie in memory, whatever stands there where one is NULL."""
    if pa.types.is_boolean(column.type):
        return _bits(column, column.buffers()[1])
    kind = np.dtype(column.type.to_pandas_dtype())
    if not len(column):
        return np.empty(0, kind)
    return np.frombuffer(
        column.buffers()[1], kind, count=len(column), offset=column.offset * kind.itemsize
    )


def valid_of(column: pa.Array) -> Mask:
    """Where a column that has NULLs has none."""
    return _bits(column, column.buffers()[0]).view(bool)


def _bits(column: pa.Array, buffer: pa.Buffer | None) -> npt.NDArray[np.uint8]:
    """Those of a buffer that belong to a column."""
    if buffer is None:
        return np.empty(0, np.uint8)
    end = column.offset + len(column)
    bits = np.frombuffer(buffer, np.uint8)
    return np.unpackbits(bits, count=end, bitorder="little")[column.offset :]


def with_nulls(values: pa.Array, valid: Mask) -> pa.Array:
    """These values, but NULL where not `valid`."""
    bits = pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(values.type, len(values), [bits, values.buffers()[1]])


@contextlib.contextmanager
def reusing_memory() -> Iterator[None]:
    """Within, Arrow keeps what memory it frees, since to get it anew from the kernel takes longer
    than to fill it."""
    before = pa.default_memory_pool()
    if "jemalloc" in pa.supported_memory_backends():
        pa.jemalloc_set_decay_ms(_KEPT)
        pa.set_memory_pool(pa.jemalloc_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(before)
