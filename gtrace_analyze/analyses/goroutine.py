"""One goroutine's life."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gtrace_analyze._errors import QueryError, UsageError
from gtrace_analyze.analyses._intervals import COLUMNS, OPEN, Intervals
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


# The table is asked, not the views: to plan those takes longer than to read what one goroutine did.
# For the same reason names are looked up where they are few.
_PLACES = """
    WITH shaped AS (
        SELECT shape, count(ready_ts) AS waits,
            coalesce(sum(ready_ts - wait_ts), 0)::BIGINT AS total_ns,
            max(ready_ts - wait_ts) AS max_ns,
            max($ended - wait_ts) FILTER (ready_ts IS NULL) AS open_ns,
            count(*) AS cycles, max(wait_ts, $most) AS latest
        FROM int_cycles WHERE pid = $pid AND goid = $goid
        GROUP BY shape
    )
    SELECT s.reason::VARCHAR AS reason, s.stack_id,
        s.first_state = 0 AND s.ready_by IS DISTINCT FROM 'park_undone' AS waited,
        c.waits, c.total_ns, c.max_ns, c.open_ns,
        c.cycles * (s.last_state - s.first_state + 1) AS intervals, c.latest
    FROM shaped AS c
    JOIN int_shapes AS s ON s.shape = c.shape
"""
_BY_TIME = ("-spent_ns", "reason", "function", "line")
_WAKERS = """
    WITH woken AS (
        SELECT s.wake, c.waker_goid, count(*) AS wakes,
            sum(c.ready_ts - c.wait_ts)::BIGINT AS waited_ns
        FROM int_cycles AS c
        JOIN int_shapes AS s ON s.shape = c.shape
        WHERE c.pid = $pid AND c.goid = $goid
            AND s.wake IS NOT NULL AND s.ready_by <> 'park_undone'
        GROUP BY ALL
    )
    SELECT w.wake::VARCHAR AS wake, w.waker_goid, g.function AS waker_function, w.wakes, w.waited_ns
    FROM woken AS w
    LEFT JOIN goroutines AS g ON g.pid = $pid AND g.goid = w.waker_goid
"""
_BY_WAKES = ("-wakes", "-waited_ns", "wake", "waker_goid")
_CHILDREN = """
    SELECT created_at, created_by, function, count(*) AS goroutines, count(ts_end) AS ended
    FROM goroutines WHERE pid = $pid AND parent_goid = $goid
    GROUP BY created_at, created_by, function
"""
_BY_NUMBER = ("-goroutines", "created_at", "function")
_CYCLES = f"""
    SELECT {COLUMNS}, wait_by::VARCHAR AS wait_by, ready_by::VARCHAR AS ready_by,
        run_by::VARCHAR AS run_by, ended_by::VARCHAR AS ended_by, reason::VARCHAR AS reason,
        stack_id, wake::VARCHAR AS wake, waker_goid, wait_tid, ready_tid, run_tid, run_cpu
    FROM int_cycles AS c
    JOIN int_shapes AS s ON s.shape = c.shape
    WHERE pid = $pid AND goid = $goid AND wait_ts >= $since
"""
_STACKS = """
    SELECT stack_id, site, function, file, line,
        CASE WHEN list_contains($shown, stack_id) THEN frames END AS frames
    FROM stacks SEMI JOIN (SELECT unnest($stack_ids::INTEGER[]) AS stack_id) USING (stack_id)
"""
_MOST = 10_000  # if more of the latest intervals are wanted, more of them are read than that


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
    parameters = {"ended": ended, "most": min(last or 1, _MOST)}
    places = engine.table(_PLACES, who | parameters)
    latest = np.sort(places["latest"].combine_chunks().flatten().to_numpy())
    since = int(latest[-last]) if last and len(latest) >= last else 0
    cycles = engine.table(_CYCLES, who | {"since": since})
    stack_id = _last_stack(places)
    shown = [number for number in (stack_id, row["create_stack_id"]) if number is not None]
    wanted = [*shown, *_known(cycles["stack_id"]), *_known(places["stack_id"])]
    stacks = engine.table(_STACKS, {"shown": shown, "stack_ids": wanted})
    frames = dict(zip(stacks["stack_id"].to_pylist(), stacks["frames"].to_pylist(), strict=True))
    intervals = ordered(_intervals(cycles, ended, stacks), "ts", "ts_end")
    count = pc.sum(places["intervals"]).as_py() or 0
    return Life(
        start=engine.span[0],
        facts=row,
        stack=frames.get(stack_id, []),
        creator_stack=frames.get(row["create_stack_id"], []),
        waits=ordered(_waits(places, stacks), *_BY_TIME).drop_columns("spent_ns"),
        wakers=ordered(engine.table(_WAKERS, who), *_BY_WAKES),
        children=ordered(engine.table(_CHILDREN, who), *_BY_NUMBER),
        intervals=intervals.slice(max(len(intervals) - last, 0) if last else 0),
        interval_count=count,
    )


def _last_stack(places: pa.Table) -> int | None:
    """The stack of the last interval that has one."""
    known = places.filter(places["stack_id"].is_valid())
    if not len(known):
        return None
    latest = pc.list_element(known["latest"], 0).to_numpy()
    return known["stack_id"][int(latest.argmax())].as_py()  # type: ignore[no-any-return]


def _known(column: pa.ChunkedArray) -> list[int]:
    return pc.unique(column.drop_null()).to_pylist()  # type: ignore[no-any-return]


def _of_stacks(stack_id: pa.ChunkedArray, stacks: pa.Table, name: str) -> pa.ChunkedArray:
    """What stacks say of those with these numbers."""
    return stacks[name].take(pc.index_in(stack_id, stacks["stack_id"]))


def _intervals(cycles: pa.Table, ended: int, stacks: pa.Table) -> pa.Table:
    did = Intervals(cycles)
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
            "function": _of_stacks(stack_id, stacks, "function"),
            "wake": did.of_slots("wake"),
            "waker_goid": did.of_slots("waker_goid"),
            "tid": did.of_slots("wait_tid", "ready_tid", "run_tid"),
            "cpu": did.of_slots(None, None, "run_cpu"),
            "certain": did.certain,
        }
    )


def _waits(places: pa.Table, stacks: pa.Table) -> pa.Table:
    """Those of stacks that show the same, as one."""
    waits = places.filter(places["waited"])
    keys = ["reason", "function", "file", "line", "site"]
    for name in keys[1:]:
        waits = waits.append_column(name, _of_stacks(waits["stack_id"], stacks, name))
    sums = {"waits": "sum", "total_ns": "sum", "max_ns": "max", "open_ns": "max"}
    # To wake Arrow's threads takes longer than what there is to do.
    grouped = waits.group_by(keys, use_threads=False).aggregate(list(sums.items()))
    grouped = grouped.rename_columns([*keys, *sums]).drop_columns("site")
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
