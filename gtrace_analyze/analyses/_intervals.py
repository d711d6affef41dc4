"""Rows of `int_cycles` taken apart into the intervals that they hold.

By numpy, for to read each row once and do this takes half as long as to have DuckDB read each
interval.
"""

from __future__ import annotations

from itertools import zip_longest

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gtrace_analyze.engine import Engine
from gtrace_rec.schema import STATES

__all__ = ["COLUMNS", "OPEN", "UNKNOWN", "Intervals", "Numbers", "all_shapes"]

Numbers = npt.NDArray[np.int64]

OPEN = 2**63 - 1  # the end of what did not end
UNKNOWN = len(STATES)  # the number of a state that is not known
# The columns of `int_cycles` that there must be.
COLUMNS = "wait_ts, ready_ts, run_ts, ts_end, shape"
_MOMENTS = ("wait_ts", "ready_ts", "run_ts", "ts_end")
_WAITING, _RUNNABLE = STATES.index("waiting"), STATES.index("runnable")


def all_shapes(engine: Engine) -> pa.Table:
    """`int_shapes` in the order of their numbers, which are 0, 1 and so on; names as such.

    To look one up there takes a tenth of the time in which DuckDB plans a join.
    """
    found = engine.table("FROM int_shapes ORDER BY shape").combine_chunks()
    string = pa.string()
    fields = [f.with_type(string) if pa.types.is_dictionary(f.type) else f for f in found.schema]
    return found.cast(pa.schema(fields))


class Intervals:
    """The intervals in some rows, in no order; `shapes` are those of the recording.

    ``row`` is the one that each is in, ``slot`` which of its three states: 0 for waiting; ``state``
    its number in STATES or UNKNOWN; ``ts`` and ``ts_end`` ns, `OPEN` if it did not end;
    ``own_stack`` whether the row's stack is its own, since it is the first of them.
    """

    def __init__(self, cycles: pa.Table, shapes: pa.Table) -> None:
        shape = cycles["shape"].to_numpy()
        first, last, certain = (
            shapes[name].to_numpy().take(shape) for name in ("first_state", "last_state", "certain")
        )
        moments = [_numbers(cycles[name]) for name in _MOMENTS]
        run_state = pc.index_in(shapes["run_state"], pa.array(STATES))
        run_states = run_state.fill_null(UNKNOWN).to_numpy().take(shape)
        states = (_WAITING, _RUNNABLE, run_states)
        self._rows = rows = [
            np.flatnonzero((first <= slot) & (last >= slot)) for slot in range(len(states))
        ]
        self._cycles = cycles
        self.row: Numbers = np.concatenate(rows)
        self.slot: Numbers = np.repeat(np.arange(len(rows)), [len(each) for each in rows])

        def each(columns: list[npt.NDArray[np.int64]]) -> Numbers:
            """Of the column of each slot, the rows that have it."""
            return np.concatenate([c[at] for c, at in zip(columns, rows, strict=True)])

        self.ts = each(moments[:-1])
        self.ts_end = each(moments[1:])
        self.state = each([np.broadcast_to(state, len(first)) for state in states])
        self.own_stack = first[self.row] == self.slot
        self.certain = certain[self.row] >> self.slot & 1 != 0

    def of_slots(self, *names: str | None) -> pa.ChunkedArray:
        """Of each interval the value of one of these columns: of that for its slot; else NULL."""
        columns = [self._cycles[name] if name else None for name in names]
        (kind,) = {column.type for column in columns if column is not None}
        chunks = []
        for column, rows in zip_longest(columns, self._rows):
            none = pa.chunked_array([pa.nulls(len(rows), kind)])
            chunks += (none if column is None else column.take(pa.array(rows))).chunks
        return pa.chunked_array(chunks, kind)

    def of_rows(self, name: str) -> pa.ChunkedArray:
        """Of each interval the value of this column in its row."""
        return self._cycles[name].take(pa.array(self.row))

    def names_of_states(self) -> pa.Array:
        return pa.array([*STATES, None]).take(pa.array(self.state))


def _numbers(column: pa.ChunkedArray) -> Numbers:
    return column.fill_null(OPEN).to_numpy()  # type: ignore[no-any-return]
