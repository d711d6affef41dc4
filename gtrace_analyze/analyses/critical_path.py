"""What a goroutine's time depended on, back through those that woke it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gtrace_analyze._errors import UsageError
from gtrace_analyze.analyses import goroutine
from gtrace_analyze.engine import Engine
from gtrace_analyze.selection import ALL, Selection

__all__ = ["Path", "Step", "collect"]

_Numbers = npt.NDArray[np.int64]
# A row of _INTERVALS, who waits for whom down to the one whose it is, and why it ends there.
_Found = tuple[dict[str, Any], tuple[int, ...], str | None]

_MOST_STEPS = 1000
_DEEPEST = 50
# Who ends such a wait held what it waited for, so all that it did meanwhile counts.
_LOCKS = ("sync.Mutex.Lock", "sync.RWMutex.Lock", "sync.RWMutex.RLock", "semacquire")


@dataclass(frozen=True)
class Step:
    """A stretch of the path, ns. Of a wait whose waker was followed, its steps come after it.

    ``depth`` is 0 for the goroutine asked about, 1 for one that it waited for, and so on.
    ``end`` says why the path goes no further there; None if it does.
    """

    ts: int
    ts_end: int
    goid: int
    depth: int
    state: str | None
    reason: str | None
    function: str | None
    wake: str | None
    waker_goid: int | None
    certain: bool
    end: str | None = None

    @property
    def dur(self) -> int:
        return self.ts_end - self.ts


@dataclass(frozen=True)
class Path:
    """The steps from the latest back to the first; `facts` is the goroutine's row of `goroutines`.

    ``whole`` is false if there were more steps than are worth following.
    """

    facts: dict[str, Any]
    recording_start: int
    steps: list[Step]
    whole: bool


# By a semi join DuckDB skips what cannot match; the table itself is read instead of the view, since
# to plan the view's joins takes longer than to read what one goroutine did.
_INTERVALS = """
    SELECT i.goid, i.ts, coalesce(i.ts_end, $until) AS ts_end, i.ts_end IS NULL AS open,
        i.state::VARCHAR AS state, i.reason::VARCHAR AS reason, i.stack_id, i.waker_goid,
        i.certain,
        wake_of(i.state, i.began_by, i.ended_by, i.reason, i.waker_goid) AS wake
    FROM int_intervals AS i
    SEMI JOIN (SELECT unnest($goids::BIGINT[]) AS goid) USING (goid)
    WHERE i.pid = $pid AND i.goid BETWEEN $low AND $high
        AND i.ts < $end AND (i.ts_end IS NULL OR i.ts_end >= $start)
    ORDER BY i.goid, i.ts DESC, i.ts_end DESC NULLS FIRST
"""
_UNTIL = """
    SELECT coalesce(p.ended_ts, r.ended_ts) AS ts
    FROM stg_recording AS r LEFT JOIN stg_processes AS p ON p.pid = $pid
"""
# To read the intervals of so many goroutines takes hardly longer than to read those of one.
_AT_ONCE = 64
_ROWS_AT_ONCE = 64


def collect(
    engine: Engine,
    goid: int,
    at: str | int | None = None,
    start: str | int | None = None,
    pid: int | None = None,
) -> Path:
    """The path that ends with goroutine `goid` at the moment `at`, its last if None.

    It goes back to the goroutine's creation, or to `start`. Each wait is explained by what its
    waker did meanwhile, and that one's waits likewise. It stops at a waker that had already been
    waiting for something else when the wait to be explained began: its wake-up belongs to other
    work (unless it was made for this work, or held a lock). Moments are written as in Selection.
    Raises QueryError if the recording does not have the goroutine, UsageError if `at` is not in its
    life or several processes have it and `pid` does not say which is meant.
    """
    facts = goroutine.facts(engine, goid, pid)
    low, high = Selection(start, at).span(engine) if start or at else ALL.span(engine)
    if facts["ts_end"] is not None:
        high = min(high, facts["ts_end"])
    low = max(low, facts["first_ts"])
    if low >= high:
        raise UsageError(f"goroutine {goid} did not exist then")
    walk = _Walk(engine, facts["pid"], goid, low, high)
    while True:
        found = list(islice(walk.back(goid, low, high, (goid,), None), _MOST_STEPS + 1))
        if not walk.read_missing():
            break
    steps = [walk.step(*each) for each in found[:_MOST_STEPS]]
    return Path(facts, engine.span[0], steps, whole=len(found) <= _MOST_STEPS)


class _Intervals:
    """What one goroutine did, the latest first."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self._backwards = -table.column("ts").to_numpy()
        self._blocks: dict[int, list[dict[str, Any]]] = {}

    def before(self, moment: int) -> Iterator[dict[str, Any]]:
        """The intervals that began before it."""
        first = int(np.searchsorted(self._backwards, -moment, side="right"))
        for number in range(first // _ROWS_AT_ONCE, -(-self._table.num_rows // _ROWS_AT_ONCE)):
            start = number * _ROWS_AT_ONCE
            if number not in self._blocks:
                self._blocks[number] = self._table.slice(start, _ROWS_AT_ONCE).to_pylist()
            yield from self._blocks[number][max(first - start, 0) :]


class _Walk:
    """One walk, repeated until all is read that it comes by.

    Each time, wakers of whom nothing is read yet are passed over and noted, so that what all of
    them did is read by one query. It takes as many as the path is deep.
    """

    def __init__(self, engine: Engine, pid: int, goid: int, low: int, high: int) -> None:
        self._engine = engine
        (until,) = engine.rows(_UNTIL, {"pid": pid})
        stacks = engine.rows("SELECT stack_id, function FROM stacks")
        self._functions = {row["stack_id"]: row["function"] for row in stacks}
        start = self._earliest(pid, goid, low, high)
        self._span = {"pid": pid, "start": start, "end": high, "until": until["ts"]}
        self._intervals: dict[int, _Intervals] = {}
        self._missing: dict[int, None] = {}
        self._read([goid])

    def _earliest(self, pid: int, goid: int, low: int, high: int) -> int:
        """The moment before which the path cannot go, by how many intervals the last one had."""
        began = self._engine.table(
            "SELECT ts FROM int_intervals WHERE pid = $pid AND goid = $goid AND ts < $end",
            {"pid": pid, "goid": goid, "end": high},
        )
        moments = began.column("ts").to_numpy()
        if len(moments) <= _MOST_STEPS:
            return low
        return max(low, int(np.partition(moments, -_MOST_STEPS - 1)[-_MOST_STEPS - 1]))

    def back(
        self, goid: int, low: int, high: int, chain: tuple[int, ...], waits_for: str | None
    ) -> Iterator[_Found]:
        """What `goid` did from `high` back to `low`, while the last but one of `chain` waited."""
        if goid not in self._intervals:
            self._missing[goid] = None
            return
        for row in self._intervals[goid].before(high):
            if row["ts_end"] <= low:
                return
            cut = row | {"ts": max(row["ts"], low), "ts_end": min(row["ts_end"], high)}
            if row["state"] != "waiting":
                yield cut, chain, None
                continue
            end = self._end(row, low, high, chain, waits_for)
            yield cut, chain, end
            if end is not None and len(chain) > 1:
                return
            waker = row["waker_goid"]
            if end is None and waker is not None:
                yield from self.back(
                    waker, cut["ts"], cut["ts_end"], (*chain, waker), row["reason"]
                )

    def _end(
        self,
        row: dict[str, Any],
        low: int,
        high: int,
        chain: tuple[int, ...],
        waits_for: str | None,
    ) -> str | None:
        """Why a wait's waker is not followed; None if it is, or if no goroutine woke it."""
        if row["open"]:
            return "not woken"
        if row["ts_end"] > high:
            return "not woken until then"
        if row["wake"] != "goroutine":
            return None
        waker = row["waker_goid"]
        if waker in chain:
            return "woken by one that waits for it"
        if len(chain) > _DEEPEST:
            return "deeper than is followed"
        # The first of the chain is what is asked about: its waits are never other work.
        before = len(chain) > 1 and row["ts"] < low
        if before and waits_for not in _LOCKS and not self._descends(chain[-1], chain[:-1]):
            return "other work"
        return None

    def read_missing(self) -> bool:
        """Read what the first of those did that the walk passed over; whether there were any."""
        wanted = list(islice(self._missing, _AT_ONCE))
        self._missing.clear()
        if wanted:
            self._read(wanted)
        return bool(wanted)

    def _read(self, goids: list[int]) -> None:
        who = {"goids": goids, "low": min(goids), "high": max(goids)}
        table = self._engine.table(_INTERVALS, who | self._span)
        found = table.column("goid").to_numpy()
        for goid in goids:
            first, last = (int(np.searchsorted(found, goid, side=s)) for s in ("left", "right"))
            self._intervals[goid] = _Intervals(table.slice(first, last - first))

    def _descends(self, goid: int, ancestors: tuple[int, ...]) -> bool:
        """Whether one of `ancestors` made it, or made who made it, and so on."""
        seen = set()
        current: int | None = goid
        while current is not None and current not in seen:
            seen.add(current)
            current = self._parent(current)
            if current in ancestors:
                return True
        return False

    def _parent(self, goid: int) -> int | None:
        made, parents = self._lineage
        at = int(np.searchsorted(made, goid))
        return int(parents[at]) if at < len(made) and made[at] == goid else None

    @cached_property
    def _lineage(self) -> tuple[_Numbers, _Numbers]:
        """The goroutines whose maker is known, in order, and who made them.

        All at once, which takes as long as to ask for one.
        """
        rows = self._engine.table(
            "SELECT goid, parent_goid FROM goroutines WHERE pid = $pid AND parent_goid IS NOT NULL",
            {"pid": self._span["pid"]},
        )
        made = rows.column("goid").to_numpy()
        order = np.argsort(made, kind="stable")
        return made[order], rows.column("parent_goid").to_numpy()[order]

    def step(self, row: dict[str, Any], chain: tuple[int, ...], end: str | None) -> Step:
        return Step(
            ts=row["ts"],
            ts_end=row["ts_end"],
            goid=chain[-1],
            depth=len(chain) - 1,
            state=row["state"],
            reason=row["reason"],
            function=self._functions.get(row["stack_id"]),
            wake=row["wake"],
            waker_goid=row["waker_goid"],
            certain=row["certain"],
            end=end,
        )
