"""One goroutine's life."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from gtrace_analyze._errors import QueryError, UsageError
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


# The table is asked, not the view `intervals`: to plan the view's joins takes longer than to read
# what one goroutine did. Likewise names are joined to what is grouped already.
_ALL = "SELECT ts, stack_id FROM int_intervals WHERE pid = $pid AND goid = $goid"
_WAITS = """
    WITH waited AS (
        SELECT reason, stack_id, count(ts_end) AS waits, sum(ts_end - ts) AS total_ns,
            max(ts_end - ts) AS max_ns, max($ended - ts) FILTER (ts_end IS NULL) AS open_ns
        FROM int_waits
        WHERE pid = $pid AND goid = $goid AND ended_by IS DISTINCT FROM 'park_undone'
        GROUP BY reason, stack_id
    )
    SELECT w.reason::VARCHAR AS reason, s.function, s.file, s.line, sum(w.waits)::BIGINT AS waits,
        coalesce(sum(w.total_ns), 0)::BIGINT AS total_ns, max(w.max_ns) AS max_ns,
        max(w.open_ns) AS open_ns,
        (coalesce(sum(w.total_ns), 0) + coalesce(max(w.open_ns), 0))::BIGINT AS spent_ns
    FROM waited AS w LEFT JOIN stacks AS s ON s.stack_id = w.stack_id
    GROUP BY w.reason, s.function, s.file, s.line, s.site
"""
_BY_TIME = ("-spent_ns", "reason", "function", "line")
_WAKERS = """
    WITH woken AS (
        SELECT wake, waker_goid, count(*) AS wakes, sum(ts_end - ts)::BIGINT AS waited_ns
        FROM int_waits
        WHERE pid = $pid AND goid = $goid AND ended_by <> 'park_undone' AND wake IS NOT NULL
        GROUP BY wake, waker_goid
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
# As many as `most` of the latest, and those that began at the same moment as the first of them.
_INTERVALS = """
    SELECT i.ts, i.ts_end, coalesce(i.ts_end, $ended) - i.ts AS dur_seen, i.state::VARCHAR AS state,
        i.began_by::VARCHAR AS began_by, i.ended_by::VARCHAR AS ended_by,
        i.reason::VARCHAR AS reason, s.function,
        i.wake::VARCHAR AS wake, i.waker_goid,
        i.tid, i.cpu, i.certain
    FROM int_intervals AS i LEFT JOIN stacks AS s ON s.stack_id = i.stack_id
    WHERE i.pid = $pid AND i.goid = $goid AND i.ts >= $since
"""


def collect(engine: Engine, goid: int, pid: int | None = None, most: int | None = None) -> Life:
    """The life of goroutine `goid`, with the last `most` of its intervals (None: all).

    Raises QueryError if the recording does not have it, UsageError if several processes do and
    `pid` does not say which is meant.
    """
    row = facts(engine, goid, pid)
    who = {"pid": row["pid"], "goid": goid}
    began = engine.unordered(_ALL, who)
    stack_id, since = _last(began, most)
    frames = _frames(engine, stack_id, row["create_stack_id"])
    ended = {"ended": until(engine, row["pid"]), **who}
    return Life(
        start=engine.span[0],
        facts=row,
        stack=frames.get(stack_id, []),
        creator_stack=frames.get(row["create_stack_id"], []),
        waits=ordered(engine.unordered(_WAITS, ended), *_BY_TIME).drop_columns("spent_ns"),
        wakers=ordered(engine.unordered(_WAKERS, who), *_BY_WAKES),
        children=ordered(engine.unordered(_CHILDREN, who), *_BY_NUMBER),
        intervals=ordered(engine.unordered(_INTERVALS, ended | {"since": since}), "ts", "ts_end"),
        interval_count=len(began),
    )


def _last(began: pa.Table, most: int | None) -> tuple[int | None, int]:
    """The stack of the last interval that has one, and when the first of the last `most` began."""
    ts = began["ts"].to_numpy()
    last = len(ts) if most is None else max(most, 1)
    since = 0 if last >= len(ts) else int(np.partition(ts, -last)[-last])
    shown = began.filter(began["stack_id"].is_valid())
    if not len(shown):
        return None, since
    return shown["stack_id"][int(np.argmax(shown["ts"].to_numpy()))].as_py(), since


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


def _frames(engine: Engine, *stack_ids: int | None) -> dict[int | None, list[dict[str, Any]]]:
    rows = engine.rows(
        "SELECT stack_id, frames FROM stacks WHERE list_contains($stack_ids, stack_id)",
        {"stack_ids": [number for number in stack_ids if number is not None]},
    )
    return {row["stack_id"]: row["frames"] for row in rows}


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
