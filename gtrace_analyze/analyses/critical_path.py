"""What a goroutine's time depended on, back through those that woke it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from gtrace_analyze._errors import UsageError
from gtrace_analyze.analyses import goroutine
from gtrace_analyze.engine import Engine
from gtrace_analyze.selection import ALL, Selection

__all__ = ["Path", "Step", "collect"]

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


_INTERVALS = """
    WITH chosen AS MATERIALIZED (
        FROM intervals SEMI JOIN (SELECT unnest($goids::BIGINT[]) AS goid) USING (goid)
    )
    SELECT i.goid, i.ts, i.ts + i.dur_seen AS ts_end, i.ts_end IS NULL AS open, i.state, i.reason,
        s.function, i.wake, i.waker_goid, i.began_by, i.ended_by, i.certain
    FROM chosen AS i
    LEFT JOIN stacks AS s ON s.stack_id = i.stack_id
    WHERE i.pid = $pid AND i.ts < $end AND i.ts + i.dur_seen > $start
    ORDER BY i.goid, i.ts DESC, i.ts_end DESC NULLS FIRST
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
    (recording,) = engine.rows("SELECT ts FROM recording")
    low, high = Selection(start, at).span(engine) if start or at else ALL.span(engine)
    if facts["ts_end"] is not None:
        high = min(high, facts["ts_end"])
    low = max(low, facts["first_ts"])
    if low >= high:
        raise UsageError(f"goroutine {goid} did not exist then")
    walk = _Walk(engine, facts["pid"], low, high)
    steps: list[Step] = []
    for step in walk.back(goid, low, high, (goid,), None):
        if len(steps) == _MOST_STEPS:
            return Path(facts, recording["ts"], steps, whole=False)
        steps.append(step)
    return Path(facts, recording["ts"], steps, whole=True)


class _Intervals:
    """What one goroutine did, the latest first."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self._backwards = -table.column("ts").to_numpy()

    def before(self, moment: int) -> Iterator[dict[str, Any]]:
        """The intervals that began before it."""
        first = int(np.searchsorted(self._backwards, -moment, side="right"))
        for start in range(first, self._table.num_rows, _ROWS_AT_ONCE):
            yield from self._table.slice(start, _ROWS_AT_ONCE).to_pylist()

    def wakers_before(self, moment: int) -> list[int]:
        """Who woke it before then, those of its latest waits first."""
        first = int(np.searchsorted(self._backwards, -moment, side="right"))
        wakers = self._table.column("waker_goid").slice(first, _ROWS_AT_ONCE * 8).drop_null()
        return list(dict.fromkeys(wakers.to_pylist()))


class _Walk:
    """One walk; the intervals of each goroutine are read once."""

    def __init__(self, engine: Engine, pid: int, start: int, end: int) -> None:
        self._engine = engine
        self._span = {"pid": pid, "start": start, "end": end}
        self._intervals: dict[int, _Intervals] = {}
        self._parents: dict[int, int | None] = {}

    def back(
        self, goid: int, low: int, high: int, chain: tuple[int, ...], waits_for: str | None
    ) -> Iterator[Step]:
        """What `goid` did from `high` back to `low`, while the last but one of `chain` waited."""
        if goid not in self._intervals:
            self._read([goid])
        did = self._intervals[goid]
        for row in did.before(high):
            if row["ts_end"] <= low:
                return
            cut = row | {"ts": max(row["ts"], low), "ts_end": min(row["ts_end"], high)}
            if row["state"] != "waiting":
                yield _step(cut, goid, chain)
                continue
            end = self._end(row, low, high, chain, waits_for)
            yield _step(cut, goid, chain, end)
            if end is not None and len(chain) > 1:
                return
            waker = row["waker_goid"]
            if end is None and waker is not None:
                if waker not in self._intervals:
                    self._read([waker, *did.wakers_before(row["ts"])])
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

    def _read(self, goids: list[int]) -> None:
        """Read the first of them, and with it some that are likely to be asked for next."""
        wanted = [g for g in dict.fromkeys(goids) if g not in self._intervals][:_AT_ONCE]
        table = self._engine.table(_INTERVALS, {"goids": wanted, **self._span})
        found = table.column("goid").to_numpy()
        for goid in wanted:
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
        if goid not in self._parents:
            rows = self._engine.rows(
                "SELECT parent_goid FROM goroutines WHERE pid = $pid AND goid = $goid",
                {"pid": self._span["pid"], "goid": goid},
            )
            self._parents[goid] = rows[0]["parent_goid"] if rows else None
        return self._parents[goid]


def _step(row: dict[str, Any], goid: int, chain: tuple[int, ...], end: str | None = None) -> Step:
    return Step(
        ts=row["ts"],
        ts_end=row["ts_end"],
        goid=goid,
        depth=len(chain) - 1,
        state=row["state"],
        reason=row["reason"],
        function=row["function"],
        wake=row["wake"],
        waker_goid=row["waker_goid"],
        certain=row["certain"],
        end=end,
    )
