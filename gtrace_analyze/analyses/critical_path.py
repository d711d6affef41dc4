"""What a goroutine's time depended on, back through those that woke it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gtrace_analyze._errors import UsageError
from gtrace_analyze.analyses import goroutine
from gtrace_analyze.analyses._intervals import COLUMNS, OPEN, Intervals, Numbers, all_shapes
from gtrace_analyze.analyses._lookup import Goroutines, Stacks
from gtrace_analyze.engine import Engine
from gtrace_analyze.selection import ALL, Selection
from gtrace_rec.schema import STATES

__all__ = ["Path", "Step", "collect"]

# An interval, the part of it that counts, who waits for whom down to the one whose it is, and why
# the path ends there.
_Found = tuple["_Read", int, int, int, tuple[int, ...], str | None]
# The rest of it: state, reason, wake, waker's goid, stack, whether it is certain.
_Row = tuple[str | None, str | None, str | None, int | None, int | None, bool]

_MOST_STEPS = 1000
_DEEPEST = 50
_NOBODY = -1  # the waker where none is named
# Who ends such a wait held what it waited for, so all that it did meanwhile counts.
_LOCKS = ("sync.Mutex.Lock", "sync.RWMutex.Lock", "sync.RWMutex.RLock", "semacquire")


class Step(NamedTuple):
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

    ``whole`` is false if there were more steps than are worth following; ``names`` are the start
    functions of the goroutines in it.
    """

    facts: dict[str, Any]
    recording_start: int
    steps: list[Step]
    whole: bool
    names: dict[int, str | None]


_CYCLES = f"""
    SELECT goid, {COLUMNS}, waker_goid
    FROM int_cycles
    {{whose}}
    WHERE pid = $pid AND wait_ts < $end AND (ts_end IS NULL OR ts_end >= $start) {{which}}
"""
_OF_ALL = _CYCLES.format(whose="", which="LIMIT $most")
_OF_ONE = _CYCLES.format(whose="", which="AND goid = $goid")
# By a semi join DuckDB skips what cannot match.
_OF_SOME = _CYCLES.format(
    whose="SEMI JOIN (SELECT unnest($goids::BIGINT[]) AS goid) USING (goid)",
    which="AND goid BETWEEN $low AND $high",
)
# What all goroutines did is read at once unless it is more than this; else what so many of them
# did, which takes hardly longer than to read it of one.
_ALL_AT_ONCE = 40_000
_AT_ONCE = 64


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
    walk = _Walk(engine, facts, low, high)
    while True:
        found = list(islice(walk.back(goid, low, high, (goid,), False), _MOST_STEPS + 1))
        if not walk.read_missing():
            break
    steps = walk.steps(found[:_MOST_STEPS])
    names = walk.names({step.goid for step in steps})
    return Path(facts, engine.span[0], steps, len(found) <= _MOST_STEPS, names)


class _Read:
    """Intervals of several goroutines within a span of time, of each the latest first."""

    def __init__(
        self, cycles: pa.Table, shapes: pa.Table, until: int, start: int, end: int
    ) -> None:
        did = Intervals(cycles, shapes)
        goids = cycles["goid"].to_numpy()[did.row]
        within = np.flatnonzero((did.ts < end) & (did.ts_end >= start))
        order = within[np.lexsort((-did.ts_end[within], -did.ts[within], goids[within]))]
        self._did, self._order, self._shapes = did, order, shapes
        self._shape: Numbers = cycles["shape"].to_numpy()[did.row[order]]
        self._goids, self._backwards = goids[order], -did.ts[order]
        ends = did.ts_end[order]
        self.open = ends == OPEN
        self.ts_end = np.where(self.open, until, ends)
        self.waker: Numbers = cycles["waker_goid"].fill_null(_NOBODY).to_numpy()[did.row[order]]
        self.waiting = did.slot[order] == 0
        self.woken = self.waiting & self._is("wake", "goroutine")
        self.lock = self.waiting & self._is("reason", *_LOCKS)

    def _is(self, column: str, *values: str) -> npt.NDArray[np.bool_]:
        wanted: npt.NDArray[np.bool_] = pc.is_in(self._shapes[column], pa.array(values)).to_numpy()
        return wanted[self._shape]

    def before(self, goid: int, moment: int) -> Iterator[tuple[int, int]]:
        """The numbers of a goroutine's intervals that began before it, and when they did."""
        first, last = self._goids.searchsorted((goid, goid + 1)).tolist()
        skipped = int(self._backwards[first:last].searchsorted(-moment, side="right"))
        for number in range(first + skipped, last):
            yield number, -int(self._backwards[number])

    def rows(self, numbers: list[int]) -> Iterator[_Row]:
        """What else is known of some."""
        at, did = self._order[numbers], self._did
        shape = pa.array(self._shape[numbers])
        reason, wake, stack_id = (
            self._shapes[name].take(shape) for name in ("reason", "wake", "stack_id")
        )
        waker = self.waker[numbers]
        waker_goid = pa.array(waker, mask=waker == _NOBODY)
        wait, own_stack = (pa.array(each[at]) for each in (did.slot == 0, did.own_stack))
        states = pa.array([*STATES, None]).take(pa.array(did.state[at]))
        return zip(
            states.to_pylist(),
            *(_listed(column, wait) for column in (reason, wake, waker_goid)),
            _listed(stack_id, own_stack),
            did.certain[at].tolist(),
            strict=True,
        )


def _listed(column: pa.ChunkedArray | pa.Array, where: pa.Array) -> list[Any]:
    """None but `where`."""
    return pc.if_else(where, column, None).to_pylist()  # type: ignore[no-any-return]


class _Walk:
    """One walk, repeated until all is read that it comes by.

    Where much happened, wakers of whom nothing is read yet are passed over each time and noted, so
    that what all of them did is read by one query. It takes as many as the path is deep.
    """

    def __init__(self, engine: Engine, facts: dict[str, Any], low: int, high: int) -> None:
        self._engine, self._shapes = engine, engine.once(all_shapes)
        pid = facts["pid"]
        start = self._earliest(facts, low, high)
        self._until = goroutine.until(engine, pid)
        self._span = {"pid": pid, "start": start, "end": high}
        self._reads: dict[int, _Read] = {}
        self._missing: dict[int, None] = {}
        found = engine.table(_OF_ALL, self._span | {"most": _ALL_AT_ONCE})
        few = len(found) < _ALL_AT_ONCE
        self._everything = self._read(found) if few else None

    def _earliest(self, facts: dict[str, Any], low: int, high: int) -> int:
        """A moment before which the path cannot go, since it has no more than _MOST_STEPS."""
        if facts["waits"] < _MOST_STEPS:
            return low
        # About as long ago as it takes to have twice as many waits, which is soon read.
        start = max(low, high - 2 * _MOST_STEPS * (high - low) // facts["waits"])
        span = {"pid": facts["pid"], "goid": facts["goid"], "start": start, "end": high}
        began = Intervals(self._engine.table(_OF_ONE, span), self._shapes).ts
        began = began[(began >= start) & (began < high)]
        if len(began) <= _MOST_STEPS:
            return low
        return int(np.partition(began, -_MOST_STEPS - 1)[-_MOST_STEPS - 1])

    def back(
        self, goid: int, low: int, high: int, chain: tuple[int, ...], waits_for_lock: bool
    ) -> Iterator[_Found]:
        """What `goid` did from `high` back to `low`, while the last but one of `chain` waited."""
        read = self._everything or self._reads.get(goid)
        if read is None:
            self._missing[goid] = None
            return
        for number, ts in read.before(goid, high):
            ts_end = int(read.ts_end[number])
            if ts_end <= low:
                return
            first, last = max(ts, low), min(ts_end, high)
            if not read.waiting[number]:
                yield read, number, first, last, chain, None
                continue
            before = ts < low and not waits_for_lock
            end = self._end(read, number, ts_end > high, before, chain)
            yield read, number, first, last, chain, end
            if end is not None and len(chain) > 1:
                return
            waker = int(read.waker[number])
            if end is None and waker >= 0:
                lock = bool(read.lock[number])
                yield from self.back(waker, first, last, (*chain, waker), lock)

    def _end(
        self, read: _Read, number: int, later: bool, before: bool, chain: tuple[int, ...]
    ) -> str | None:
        """Why a wait's waker is not followed; None if it is, or if no goroutine woke it.

        ``later`` and ``before``: the wait ended after the moment looked at, began before it.
        """
        if read.open[number]:
            return "not woken"
        if later:
            return "not woken until then"
        if not read.woken[number]:
            return None
        if int(read.waker[number]) in chain:
            return "woken by one that waits for it"
        if len(chain) > _DEEPEST:
            return "deeper than is followed"
        # The first of the chain is what is asked about: its waits are never other work.
        if before and len(chain) > 1 and not self._descends(chain[-1], chain[:-1]):
            return "other work"
        return None

    def read_missing(self) -> bool:
        """Read what the first of those did that the walk passed over; whether there were any."""
        wanted = list(islice(self._missing, _AT_ONCE))
        self._missing.clear()
        if wanted:
            who = {"goids": wanted, "low": min(wanted), "high": max(wanted)}
            read = self._read(self._engine.table(_OF_SOME, who | self._span))
            self._reads |= dict.fromkeys(wanted, read)
        return bool(wanted)

    def _read(self, cycles: pa.Table) -> _Read:
        return _Read(cycles, self._shapes, self._until, self._span["start"], self._span["end"])

    def _descends(self, goid: int, ancestors: tuple[int, ...]) -> bool:
        """Whether one of `ancestors` made it, or made who made it, and so on."""
        known, pid = self._engine.once(Goroutines), self._span["pid"]
        seen = set()
        current: int | None = goid
        while current is not None and current not in seen:
            seen.add(current)
            current = known.maker(pid, current)
            if current in ancestors:
                return True
        return False

    def steps(self, found: list[_Found]) -> list[Step]:
        numbers: dict[_Read, list[int]] = {}
        for read, number, *_ in found:
            numbers.setdefault(read, []).append(number)
        # Those of each read are in order.
        rows = {read: read.rows(chosen) for read, chosen in numbers.items()}
        told = [next(rows[read]) for read, *_ in found]
        functions = self._functions({stack_id for *_, stack_id, _ in told})
        return [
            Step(
                ts=ts,
                ts_end=ts_end,
                goid=chain[-1],
                depth=len(chain) - 1,
                state=state,
                reason=reason,
                function=functions[stack_id],
                wake=wake,
                waker_goid=waker_goid,
                certain=certain,
                end=end,
            )
            for (_, _, ts, ts_end, chain, end), row in zip(found, told, strict=True)
            for state, reason, wake, waker_goid, stack_id, certain in [row]
        ]

    def names(self, goids: set[int]) -> dict[int, str | None]:
        """The start functions of goroutines, None where not known."""
        known, wanted = self._engine.once(Goroutines), list(goids)
        rows = known.find(self._span["pid"], pa.array(wanted, pa.int64()))
        return dict(zip(wanted, known.functions(rows).to_pylist(), strict=True))

    def _functions(self, stack_ids: set[int | None]) -> dict[int | None, str | None]:
        known, wanted = self._engine.once(Stacks), list(stack_ids)
        rows = known.find(pa.array(wanted, pa.int64()))
        functions = known.columns["function"].take(rows)
        return dict(zip(wanted, functions.to_pylist(), strict=True))
