"""Who wakes whom most often, found without a count for each pair, of which there may be as many as
events.

All are counted by one of a million numbers of their own first, so those that share one are counted
too high, but never too low. DuckDB takes ten times as long for so many groups.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["NUMBERS", "Wakes"]

_BITS = 20
_MOST = 10_000
NUMBERS = pa.schema(
    [
        ("number", pa.uint32()),
        ("least", pa.int64()),  # all numbers with more wake-ups than this are here
    ]
)


class Wakes:
    """How often the pairs of each number woke each other."""

    def __init__(self) -> None:
        self._counts = np.zeros(1 << _BITS, np.int64)

    def add(self, pid: pa.Array, waker_goid: pa.Array, goid: pa.Array) -> None:
        """Some wake-ups; the waker is NULL where no goroutine is one."""
        columns = (pc.fill_null(each, 0).to_numpy() for each in (pid, waker_goid, goid))
        np.add.at(self._counts, _number(*columns), 1)

    def frequent(self) -> pa.Table:
        """The numbers of the most frequent ones, as NUMBERS."""
        least = 0
        if np.count_nonzero(self._counts) > _MOST:
            place = len(self._counts) - 1 - _MOST
            least = int(np.partition(self._counts, place)[place])
        numbers = np.flatnonzero(self._counts > least).astype(np.uint32)
        return pa.table([pa.array(numbers), pa.repeat(least, len(numbers))], NUMBERS)


def _number(
    pid: npt.NDArray[np.int32], waker_goid: npt.NDArray[np.int64], goid: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """The same as int_wake_number_of.sql."""
    return (goid * 613 + waker_goid * 1010 + pid) & ((1 << _BITS) - 1)
