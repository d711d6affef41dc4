"""Rows of octets, made and put together by the column: the parts of which messages are.

Python is slow at a value at a time, and a span has a dozen of them. Here a value is looked at in
Python only once, however many rows have it; the rest is numpy's and Arrow's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gtrace_analyze.export._protobuf import Column

__all__ = ["Ints", "by_value", "gathered", "joined", "mapped", "octets_of", "sizes"]

Ints = npt.NDArray[np.int64]
_OCTETS = pa.large_binary()


def by_value(values: pa.Array, encode: Callable[[Any], bytes]) -> pa.Array:
    """`encode` of each value; nothing where it is NULL."""
    coded = _coded(values)
    encoded = pa.array([encode(value) for value in coded.dictionary.to_pylist()], _OCTETS)
    return encoded.take(coded.indices).fill_null(b"")


def mapped(values: pa.Array, function: Callable[[Any], str | None]) -> pa.Array:
    """Strings: `function` of each value; NULL where it is NULL."""
    coded = _coded(values)
    found = pa.array([function(value) for value in coded.dictionary.to_pylist()], pa.string())
    return found.take(coded.indices)


def joined(*parts: pa.Array | bytes) -> pa.Array:
    """The parts of each row together; octets alone are the same in all rows."""
    scalars = [pa.scalar(p, _OCTETS) if isinstance(p, bytes) else p.cast(_OCTETS) for p in parts]
    return pc.binary_join_element_wise(*scalars, pa.scalar(b"", _OCTETS))


def gathered(parts: pa.Array, counts: Ints) -> pa.Array:
    """A row for each of `counts`: so many parts together, one row's after the other's."""
    ends = _ends(parts)[np.concatenate([[0], np.cumsum(counts)])]
    return _rows(ends, parts.buffers()[2])


def octets_of(column: Column) -> pa.Array:
    """The rows of protobuf fields."""
    ends = np.concatenate([[0], np.cumsum(column.sizes)])
    return _rows(ends, pa.py_buffer(column.tobytes()))


def sizes(parts: pa.Array) -> Ints:
    """How many octets each row has."""
    found: Ints = np.diff(_ends(parts))
    return found


def _ends(parts: pa.Array) -> Ints:
    ends = np.frombuffer(parts.buffers()[1], np.int64)
    return ends[parts.offset : parts.offset + len(parts) + 1]


def _rows(ends: Ints, octets: pa.Buffer | None) -> pa.Array:
    offsets = pa.py_buffer(np.ascontiguousarray(ends, np.int64).tobytes())
    return pa.Array.from_buffers(
        _OCTETS, len(ends) - 1, [None, offsets, octets or pa.py_buffer(b"")]
    )


def _coded(values: pa.Array) -> pa.DictionaryArray:
    return values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
