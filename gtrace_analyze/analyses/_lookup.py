"""What goroutines and stacks are, by their numbers, read once.

To have DuckDB find some of them takes longer than to find them among all here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gtrace_analyze.analyses._intervals import OPEN, Numbers
from gtrace_analyze.engine import Engine

__all__ = ["Goroutines", "Stacks", "frames_of"]

_NOBODY = -1


class Goroutines:
    """All goroutines, in the order of pid and goid.

    ``goid``, ``first_ts`` and ``ts_end`` (`OPEN` if it did not end) are as in `goroutines`;
    ``names`` has the columns function, created_by and created_at, of which each has the row that
    ``name`` says.
    """

    def __init__(self, engine: Engine) -> None:
        found = engine.table(
            "SELECT g.pid, g.goid, g.parent_goid, g.first_ts, g.ts_end, o.origin FROM goroutines "
            "AS g JOIN int_origins AS o ON o.pid = g.pid AND o.goid = g.goid"
        )
        pid, goid = (found[name].to_numpy() for name in ("pid", "goid"))
        order = np.lexsort((goid, pid))
        pids, first = np.unique(pid[order], return_index=True)
        own = zip(first.tolist(), [*first[1:].tolist(), len(order)], strict=True)
        self._own = dict(zip(pids.tolist(), own, strict=True))  # the rows of each process
        self.goid: Numbers = goid[order]
        self._makers: Numbers = found["parent_goid"].fill_null(_NOBODY).to_numpy()[order]
        self.first_ts: Numbers = found["first_ts"].to_numpy()[order]
        self.ts_end: Numbers = found["ts_end"].fill_null(OPEN).to_numpy()[order]
        self.names = engine.table("FROM int_origin_names ORDER BY origin")
        origin = found["origin"].to_numpy()[order]
        self.name: Numbers = np.searchsorted(self.names["origin"].to_numpy(), origin)

    @property
    def pids(self) -> list[int]:
        return list(self._own)

    def find(self, pid: int, goids: pa.Array | pa.ChunkedArray) -> pa.Array:
        """In which rows goroutines of a process are, NULL for those that are in none."""
        first, last = self._own.get(pid, (0, 0))
        return pc.add(_places(goids, self.goid[first:last]), first)

    def maker(self, pid: int, goid: int) -> int | None:
        """Who made one, None where not known."""
        first, last = self._own.get(pid, (0, 0))
        row = first + int(self.goid[first:last].searchsorted(goid))
        if row == last or self.goid[row] != goid or self._makers[row] == _NOBODY:
            return None
        return int(self._makers[row])

    def functions(self, rows: pa.Array) -> pa.Array:
        """The start functions of those in some rows, NULL where a row is, or where not known."""
        return self.names["function"].take(pa.array(self.name).take(rows)).combine_chunks()


class Stacks:
    """All stacks; ``columns`` has site, function, file and line, as in `stacks`."""

    def __init__(self, engine: Engine) -> None:
        found = engine.table(
            "SELECT stack_id, site, function, file, line FROM stacks ORDER BY stack_id"
        )
        self._stack_id: Numbers = found["stack_id"].to_numpy()
        self.columns = found.drop_columns("stack_id").combine_chunks()

    def find(self, stack_ids: pa.Array | pa.ChunkedArray) -> pa.Array:
        """In which rows stacks are, NULL for those that are in none."""
        return _places(stack_ids, self._stack_id)


def frames_of(engine: Engine, stack_ids: Iterable[int | None]) -> dict[int, list[dict[str, Any]]]:
    """The frames of some stacks, which are too many to have those of all; None is left out."""
    rows = engine.rows(
        "SELECT stack_id, frames FROM stacks WHERE list_contains($stack_ids, stack_id)",
        {"stack_ids": [number for number in stack_ids if number is not None]},
    )
    return {row["stack_id"]: row["frames"] for row in rows}


def _places(wanted: pa.Array | pa.ChunkedArray, numbers: Numbers) -> pa.Array:
    """Where each is among ascending numbers, NULL where it is not."""
    if not len(numbers):
        return pa.nulls(len(wanted), pa.int64())
    values = wanted.fill_null(0).to_numpy()
    at = np.searchsorted(numbers, values).clip(max=len(numbers) - 1)
    known = pa.array(numbers[at] == values)
    return pc.if_else(pc.and_(known, wanted.is_valid()), pa.array(at), None)
