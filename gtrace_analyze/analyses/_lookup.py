"""Where numbers are in a column that has each once."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

__all__ = ["places"]


def places(wanted: pa.ChunkedArray, column: pa.ChunkedArray) -> pa.Array:
    """The index in `column` of each of `wanted`, NULL where it is not there.

    A hash table, which Arrow would make of all of the column, takes several times as long.
    """
    values, numbers = column.to_numpy(), wanted.fill_null(0).to_numpy()
    there = np.flatnonzero(np.isin(values, numbers))
    if not len(there):
        return pa.nulls(len(numbers), pa.int64())
    there = there[np.argsort(values[there], kind="stable")]
    at = there.take(np.searchsorted(values[there], numbers), mode="clip")
    return pa.array(at, mask=(values[at] != numbers) | wanted.is_null().to_numpy())
