"""One goroutine's life."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gtrace_analyze._errors import QueryError, UsageError
from gtrace_analyze.analyses._intervals import COLUMNS, OPEN, Intervals, all_shapes
from gtrace_analyze.analyses._lookup import Goroutines, Stacks, frames_of
from gtrace_analyze.analyses._order import ordered
from gtrace_analyze.engine import Engine
from gtrace_analyze.selection import check_goid, numbers

__all__ = ["Life", "collect", "facts", "until"]


@dataclass(frozen=True)
class Life:
    """What is known of one goroutine. Times are ns; `start` is when the recording began.

    ``facts`` is its row of `goroutines`; ``stack`` where it last waited or gave way, innermost
    frame first; ``creator_stack`` where it was made; ``waits`` its waits by place; ``wakers`` who
    ended them; ``children`` where it made goroutines; ``intervals`` its states in order, all
    `interval_count` or the last of them.
    """

    start: int
    facts: dict[str, Any]
    stack: list[dict[str, Any]]
    creator_stack: list[dict[str, Any]]
    waits: pa.Table
    wakers: pa.Table
    children: pa.Table
    intervals: pa.Table
    interval_count: int


# All of it is read once, and grouped and joined here: to plan that takes longer than to read it.
_CYCLES = f"""
    SELECT {COLUMNS}, waker_goid, wait_tid, ready_tid, run_tid, run_cpu
    FROM int_cycles
    WHERE pid = $pid AND goid = $goid
"""
_AT_ONCE = 1_000_000
_BY_TIME = ("-spent_ns", "reason", "function", "line")
_BY_WAKES = ("-wakes", "-waited_ns", "wake", "waker_goid")
_CHILDREN = """
    SELECT created_at, created_by, function, count(*) AS goroutines, count(ts_end) AS ended
    FROM goroutines WHERE pid = $pid AND parent_goid = $goid
    GROUP BY created_at, created_by, function
"""
_BY_NUMBER = ("-goroutines", "created_at", "function")


def collect(engine: Engine, goid: int, pid: int | None = None, most: int | None = None) -> Life:
    """The life of goroutine `goid`, with the last `most` of its intervals (None: all).

    Raises QueryError if the recording does not have it, UsageError if several processes do and
    `pid` does not say which is meant.
    """
    row = facts(engine, goid, pid)
    who = {"pid": row["pid"], "goid": goid}
    ended = until(engine, row["pid"])
    # Each of its cycles has one interval at least.
    last = None if most is None else max(most, 1)
    shapes = engine.once(all_shapes)
    did = _Did(engine.tables(_CYCLES, who, _AT_ONCE), shapes, ended, last)
    waits, cycles = _shaped(did.waits, shapes), _shaped(did.latest, shapes)
    stack_id = _last_stack(waits)
    frames = frames_of(engine, [stack_id, row["create_stack_id"]])
    stacks = engine.once(Stacks)
    intervals = ordered(_intervals(cycles, ended, stacks, shapes), "ts", "ts_end")
    return Life(
        start=engine.span[0],
        facts=row,
        stack=[] if stack_id is None else frames.get(stack_id, []),
        creator_stack=frames.get(row["create_stack_id"], []),
        waits=ordered(_places(waits, stacks), *_BY_TIME).drop_columns("spent_ns"),
        wakers=ordered(_named(did.wakers, engine, row["pid"]), *_BY_WAKES),
        children=ordered(engine.table(_CHILDREN, who), *_BY_NUMBER),
        intervals=intervals.slice(max(len(intervals) - last, 0) if last else 0),
        interval_count=did.interval_count,
    )


class _Did:
    """What a goroutine did.

    ``waits`` are its cycles by shape: how many waited to the end, how long altogether and at most,
    and how long since one of them waits (waits, total_ns, max_ns, open_ns), and when the last of
    them began. ``wakers`` tell who ended how many, ``latest`` are the cycles with its last `most`
    intervals (None: all).
    """

    def __init__(
        self, read: Iterable[pa.Table], shapes: pa.Table, ended: int, most: int | None
    ) -> None:
        self._wakes = shapes["wake"].dictionary_encode().combine_chunks()
        undone = pc.equal(shapes["ready_by"], "park_undone").fill_null(False)
        self._ends = pc.and_not(shapes["wake"].is_valid(), undone).to_numpy()
        self._ended, self._most = ended, most
        waits, wakers = [], []
        latest: list[pa.Table] = []
        for cycles in read:
            waits.append(self._waits(cycles))
            wakers.append(self._wakers(cycles))
            latest = [self._last(pa.concat_tables([*latest, cycles]))]
        (self.latest,) = latest
        self.waits = _merged(waits, _WAITS)
        found = _merged(wakers, _WAKES)
        self.wakers = found.set_column(0, "wake", self._wakes.dictionary.take(found["wake"]))
        slots = (shapes[name].to_numpy().astype(int) for name in ("last_state", "first_state"))
        lengths = np.subtract(*slots) + 1
        counts = self.waits["cycles"].to_numpy()
        self.interval_count = int((counts * lengths[self.waits["shape"].to_numpy()]).sum())

    def _waits(self, cycles: pa.Table) -> pa.Table:
        took = pc.subtract(cycles["ready_ts"], cycles["wait_ts"])
        still = pc.subtract(self._ended, cycles["wait_ts"])
        counted = {
            "shape": cycles["shape"],
            "cycles": pa.repeat(1, len(cycles)),
            "waits": took.is_valid().cast(pa.int64()),
            "total_ns": took.fill_null(0),
            "max_ns": took,
            "open_ns": pc.if_else(took.is_valid(), None, still),
            "latest": cycles["wait_ts"],
        }
        return _grouped(pa.table(counted), _WAITS)

    def _wakers(self, cycles: pa.Table) -> pa.Table:
        woken = cycles.select(["shape", "waker_goid", "wait_ts", "ready_ts"]).filter(
            pa.array(self._ends.take(cycles["shape"].to_numpy()))
        )
        counted = {
            "wake": self._wakes.indices.take(woken["shape"]),
            "waker_goid": woken["waker_goid"],
            "wakes": pa.repeat(1, len(woken)),
            "waited_ns": pc.subtract(woken["ready_ts"], woken["wait_ts"]),
        }
        return _grouped(pa.table(counted), _WAKES)

    def _last(self, cycles: pa.Table) -> pa.Table:
        if self._most is None or len(cycles) <= self._most:
            return cycles
        began = cycles["wait_ts"].to_numpy()
        return cycles.filter(pa.array(began >= np.partition(began, -self._most)[-self._most]))


# What there is one row of, and how the others are put together.
_WAITS = {
    "shape": None,
    "cycles": "sum",
    "waits": "sum",
    "total_ns": "sum",
    "max_ns": "max",
    "open_ns": "max",
    "latest": "max",
}
_WAKES = {"wake": None, "waker_goid": None, "wakes": "sum", "waited_ns": "sum"}


def _merged(parts: list[pa.Table], how: dict[str, str | None]) -> pa.Table:
    if len(parts) == 1:
        return parts[0]
    return _grouped(pa.concat_tables(parts), how)


def _grouped(rows: pa.Table, how: dict[str, str | None]) -> pa.Table:
    keys = [name for name, function in how.items() if function is None]
    sums = [(name, function) for name, function in how.items() if function is not None]
    # To wake Arrow's threads takes longer than what there is to do.
    grouped = rows.group_by(keys, use_threads=False).aggregate(sums)
    return grouped.rename_columns([*keys, *(name for name, _ in sums)])


def _shaped(rows: pa.Table, shapes: pa.Table) -> pa.Table:
    """The rows with what their shapes are."""
    for name in shapes.column_names[1:]:
        rows = rows.append_column(name, shapes[name].take(rows["shape"]))
    return rows


def _named(wakers: pa.Table, engine: Engine, pid: int) -> pa.Table:
    """Wakers with their start functions."""
    known = engine.once(Goroutines)
    functions = known.functions(known.find(pid, wakers["waker_goid"]))
    return wakers.add_column(2, "waker_function", functions)


def _last_stack(waits: pa.Table) -> int | None:
    """The stack of the last interval that has one."""
    known = waits.filter(waits["stack_id"].is_valid())
    if not len(known):
        return None
    latest = int(known["latest"].to_numpy().argmax())
    return known["stack_id"][latest].as_py()  # type: ignore[no-any-return]


def _intervals(cycles: pa.Table, ended: int, stacks: Stacks, shapes: pa.Table) -> pa.Table:
    did = Intervals(cycles, shapes)
    stack_id = pc.if_else(pa.array(did.own_stack), did.of_rows("stack_id"), None)
    return pa.table(
        {
            "ts": did.ts,
            "ts_end": pa.array(did.ts_end, mask=did.ts_end == OPEN),
            "dur_seen": np.where(did.ts_end == OPEN, ended, did.ts_end) - did.ts,
            "state": did.names_of_states(),
            "began_by": did.of_slots("wait_by", "ready_by", "run_by"),
            "ended_by": did.of_slots("ready_by", "run_by", "ended_by"),
            "reason": did.of_slots("reason"),
            "function": stacks.columns["function"].take(stacks.find(stack_id)),
            "wake": did.of_slots("wake"),
            "waker_goid": did.of_slots("waker_goid"),
            "tid": did.of_slots("wait_tid", "ready_tid", "run_tid"),
            "cpu": did.of_slots(None, None, "run_cpu"),
            "certain": did.certain,
        }
    )


def _places(waits: pa.Table, stacks: Stacks) -> pa.Table:
    """Where it waited, those of stacks that show the same as one."""
    undone = pc.equal(waits["ready_by"], "park_undone").fill_null(False)
    waits = waits.filter(pc.and_not(pc.equal(waits["first_state"], 0), undone))
    keys = ["reason", "function", "file", "line", "site"]
    rows = stacks.find(waits["stack_id"])
    for name in keys[1:]:
        waits = waits.append_column(name, stacks.columns[name].take(rows))
    sums = {name: _WAITS[name] for name in ("waits", "total_ns", "max_ns", "open_ns")}
    grouped = _grouped(waits, dict.fromkeys(keys) | sums).drop_columns("site")
    spent = pc.add(grouped["total_ns"], grouped["open_ns"].fill_null(0))
    return grouped.append_column("spent_ns", spent)


def facts(engine: Engine, goid: int, pid: int | None = None) -> dict[str, Any]:
    """The goroutine's row of `goroutines`; raises as `collect` does."""
    check_goid(goid)
    rows = engine.rows("SELECT * FROM goroutines WHERE goid = $goid", {"goid": goid})
    found = [row for row in rows if pid is None or row["pid"] == pid]
    if not found:
        where = _where(engine, pid, [row["pid"] for row in rows])
        raise QueryError(f"goroutine {goid} is not in {where}")
    if len(found) > 1:
        pids = _joined([row["pid"] for row in found])
        raise UsageError(f"processes {pids} each have a goroutine {goid}: say which with --pid")
    (row,) = found
    if row["labels"] is not None:
        row["labels"] = list(row["labels"].items())
    return row


def until(engine: Engine, pid: int) -> int:
    """The last moment at which the process was recorded."""
    processes = engine.recording.manifest.processes
    ended = next((process.ended_ts for process in processes if process.pid == pid), None)
    return engine.span[1] if ended is None else ended


def _where(engine: Engine, pid: int | None, others: list[int]) -> str:
    """Where a goroutine is not, and what there is instead; `others` are processes that have one."""
    path = engine.recording.path
    if pid is None:
        return f"{path}{numbers(engine)}"
    if others:
        return f"process {pid} of {path}; there is one in {_joined(others)}"
    pids = [process.pid for process in engine.recording.manifest.processes]
    return f"process {pid} of {path}, in which pids are {_joined(pids)}"


def _joined(pids: list[int]) -> str:
    return ", ".join(map(str, sorted(pids)))
