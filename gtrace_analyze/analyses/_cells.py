"""What chosen goroutines did in each of equal parts of a span of time, and who woke whom of them.

What they did is read once, and put together here: to plan that as SQL takes far longer than to do
it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gtrace_analyze.analyses import goroutine
from gtrace_analyze.analyses._intervals import (
    COLUMNS,
    OPEN,
    UNKNOWN,
    Intervals,
    Numbers,
    all_shapes,
)
from gtrace_analyze.engine import Engine
from gtrace_rec.schema import STATES

__all__ = ["Cells"]

# By a semi join on one column DuckDB skips what cannot match; by a list or by two columns it does
# not, which takes twice as long.
_CYCLES = f"""
    SELECT pid, goid, {COLUMNS}, waker_goid
    FROM int_cycles
    SEMI JOIN (SELECT unnest($goids::BIGINT[]) AS goid) USING (goid)
"""
# Left out where all of the time is looked at, since to compare takes longer than to read.
_OVERLAP = "WHERE wait_ts < $end AND (ts_end IS NULL OR ts_end >= $start)"
_AT_ONCE = 200_000
_STATES = UNKNOWN + 1  # with the one that is not known


class Cells:
    """The time from `start` to `end` in `cells` parts; `who` are pairs of pid and goid.

    ``wakes`` are pid, ts, waker's goid and goid of each wake-up among them, in order.
    """

    def __init__(
        self, engine: Engine, start: int, end: int, cells: int, who: list[tuple[int, int]]
    ) -> None:
        self._start, self._end, self._cells, self._who = start, end, cells, who
        # A moment t is in cell (t - start) * cells // length; a cell ends where the next one is to
        # begin, rounded down.
        length = end - start
        self._firsts = np.array([-(-n * length // cells) for n in range(cells + 1)], np.int64)
        self._edges = np.array([start + n * length // cells for n in range(cells + 2)], np.int64)
        self._ns = np.zeros(len(who) * cells * _STATES, np.int64)
        self._certain = np.ones(len(self._ns), np.bool_)
        self._shapes = engine.once(all_shapes)
        by_goroutine = pc.equal(self._shapes["wake"], "goroutine")
        self._by_goroutine = by_goroutine.fill_null(False).to_numpy()
        self.wakes: list[tuple[int, int, int, int]] = []
        of_pid = {pid: _Lanes(who, pid, goroutine.until(engine, pid)) for pid, _ in who}
        query: str = _CYCLES
        parameters: dict[str, Any] = {"goids": [goid for _, goid in who]}
        if (start, end) != engine.span:
            query += _OVERLAP
            parameters |= {"start": start, "end": end}
        for cycles in engine.tables(query, parameters, _AT_ONCE) if who else ():
            pids = cycles["pid"].to_numpy()
            for pid, lanes in of_pid.items():
                self._add(pid, lanes, cycles.filter(pa.array(pids == pid)))
        self.wakes.sort(key=lambda wake: (wake[1], wake[3]))

    def shares(self) -> pa.Table:
        """The columns pid, goid, cell, state, ns and certain, for each state that took time."""
        took = np.flatnonzero(self._ns)
        lane, cell, state = np.unravel_index(took, (len(self._who), self._cells, _STATES))
        who = np.array(self._who, np.int64).reshape(-1, 2)
        names = pa.array([*STATES, None], pa.string())
        return pa.table(
            {
                "pid": pa.array(who[lane, 0], pa.int32()),
                "goid": who[lane, 1],
                "cell": cell,
                "state": pa.DictionaryArray.from_arrays(state.astype(np.int8), names),
                "ns": self._ns[took],
                "certain": self._certain[took],
            }
        )

    def _add(self, pid: int, lanes: _Lanes, cycles: pa.Table) -> None:
        known, lane = lanes.find(cycles["goid"].to_numpy())
        cycles, lane = cycles.filter(pa.array(known)), lane[known]
        did = Intervals(cycles, self._shapes)
        ends = np.where(did.ts_end == OPEN, lanes.until, did.ts_end)
        self._add_times(lane[did.row], did.ts, ends, did.state, did.certain)
        waker, woken = (
            cycles[name].fill_null(OPEN).to_numpy() for name in ("waker_goid", "ready_ts")
        )
        by_goroutine = self._by_goroutine.take(cycles["shape"].to_numpy())
        within = by_goroutine & (woken >= self._start) & (woken < self._end)
        shown = np.flatnonzero(within & lanes.find(waker)[0])
        columns = (woken[shown], waker[shown], cycles["goid"].to_numpy()[shown])
        self.wakes.extend((pid, *wake) for wake in zip(*(c.tolist() for c in columns), strict=True))

    def _add_times(
        self, lane: Numbers, ts: Numbers, ts_end: Numbers, state: Numbers, certain: Numbers
    ) -> None:
        ts, ts_end = np.maximum(ts, self._start), np.minimum(ts_end, self._end)
        first, last = (self._cell(moment) for moment in (ts, ts_end))
        counts = np.maximum(last - first + 1, 0)
        row = np.repeat(np.arange(len(ts)), counts)
        cell = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts - first, counts)
        whole = counts[row] == 1
        ns = np.minimum(ts_end[row], np.where(whole, OPEN, self._edges[cell + 1]))
        ns -= np.maximum(ts[row], np.where(whole, 0, self._edges[cell]))
        counted = (ns > 0) & (cell < self._cells)
        row, cell, ns = row[counted], cell[counted], ns[counted]
        key = (lane[row] * self._cells + cell) * _STATES + state[row]
        np.add.at(self._ns, key, ns)
        self._certain[key[~certain[row]]] = False

    def _cell(self, moment: Numbers) -> Numbers:
        return np.searchsorted(self._firsts, moment - self._start, side="right") - 1


class _Lanes:
    """Which numbers one process's goroutines have among the chosen ones."""

    def __init__(self, who: list[tuple[int, int]], pid: int, until: int) -> None:
        own = sorted((goid, number) for number, (p, goid) in enumerate(who) if p == pid)
        self._goids, self._numbers = np.array(own, np.int64).T
        self.until = until

    def find(self, goids: Numbers) -> tuple[npt.NDArray[np.bool_], Numbers]:
        """Whether each is a chosen one, and if so its number."""
        at = np.minimum(np.searchsorted(self._goids, goids), len(self._goids) - 1)
        return self._goids[at] == goids, self._numbers[at]
