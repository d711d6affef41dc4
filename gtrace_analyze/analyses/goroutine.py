"""One goroutine's life."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gtrace_analyze._errors import QueryError, UsageError
from gtrace_analyze.engine import Engine

__all__ = ["Life", "collect", "facts"]


@dataclass(frozen=True)
class Life:
    """What is known of one goroutine. Times are ns; `start` is when the recording began.

    ``facts`` is its row of `goroutines`; ``stack`` where it was last seen waiting, innermost frame
    first; ``creator_stack`` where it was made; ``waits`` its waits by place; ``wakers`` who ended
    them; ``children`` where it made goroutines; ``intervals`` its states in order.
    """

    start: int
    facts: dict[str, Any]
    stack: list[dict[str, Any]]
    creator_stack: list[dict[str, Any]]
    waits: pa.Table
    wakers: pa.Table
    children: pa.Table
    intervals: pa.Table


# One look at the intervals, of which the other queries are made.
_LIFE = """
    CREATE OR REPLACE TEMP TABLE one_life AS
    SELECT i.*, s.site, s.function, s.file, s.line
    FROM intervals AS i
    LEFT JOIN stacks AS s ON s.stack_id = i.stack_id
    WHERE i.pid = {pid} AND i.goid = {goid}
"""
_WAITS = """
    SELECT reason, function, file, line, count(dur) AS waits,
        coalesce(sum(dur), 0)::BIGINT AS total_ns, max(dur) AS max_ns,
        max(dur_seen) FILTER (ts_end IS NULL) AS open_ns
    FROM one_life
    WHERE state = 'waiting' AND ended_by IS DISTINCT FROM 'park_undone'
    GROUP BY reason, function, file, line, site
    ORDER BY sum(dur_seen) DESC, reason, function, line
"""
_WAKERS = """
    SELECT w.wake, w.waker_goid, g.function AS waker_function, count(*) AS wakes,
        sum(w.dur)::BIGINT AS waited_ns
    FROM one_life AS w
    LEFT JOIN goroutines AS g ON g.pid = w.pid AND g.goid = w.waker_goid
    WHERE w.wake IS NOT NULL AND w.ended_by <> 'park_undone'
    GROUP BY w.wake, w.waker_goid, g.function
    ORDER BY wakes DESC, waited_ns DESC, w.wake, w.waker_goid
"""
_CHILDREN = """
    SELECT created_at, created_by, function, count(*) AS goroutines, count(ts_end) AS ended
    FROM goroutines WHERE pid = $pid AND parent_goid = $goid
    GROUP BY created_at, created_by, function
    ORDER BY goroutines DESC, created_at, function
"""
_INTERVALS = """
    SELECT ts, ts_end, dur_seen, state, began_by, ended_by, reason, function, wake, waker_goid,
        tid, cpu, certain
    FROM one_life
    ORDER BY ts, ts_end NULLS LAST
"""
_LAST_STACK = """
    SELECT s.frames FROM one_life AS i JOIN stacks AS s ON s.stack_id = i.stack_id
    ORDER BY i.ts DESC LIMIT 1
"""


def collect(engine: Engine, goid: int, pid: int | None = None) -> Life:
    """The life of goroutine `goid`.

    Raises QueryError if the recording does not have it, UsageError if several processes do and
    `pid` does not say which is meant.
    """
    row = facts(engine, goid, pid)
    who = {"pid": row["pid"], "goid": goid}
    (recording,) = engine.rows("SELECT ts FROM recording")
    engine.run(_LIFE.format(**who))
    return Life(
        start=recording["ts"],
        facts=row,
        stack=_frames(engine.rows(_LAST_STACK)),
        creator_stack=_frames(
            engine.rows(
                "SELECT frames FROM stacks WHERE stack_id = $stack_id",
                {"stack_id": row["create_stack_id"]},
            )
        ),
        waits=engine.table(_WAITS),
        wakers=engine.table(_WAKERS),
        children=engine.table(_CHILDREN, who),
        intervals=engine.table(_INTERVALS),
    )


def facts(engine: Engine, goid: int, pid: int | None = None) -> dict[str, Any]:
    """The goroutine's row of `goroutines`; raises as `collect` does."""
    found = engine.rows(
        "SELECT * FROM goroutines WHERE goid = $goid AND ($pid IS NULL OR pid = $pid)",
        {"goid": goid, "pid": pid},
    )
    if not found:
        raise QueryError(f"goroutine {goid} is not in {engine.recording.path}{_range(engine)}")
    if len(found) > 1:
        pids = ", ".join(str(each["pid"]) for each in found)
        raise UsageError(f"processes {pids} each have a goroutine {goid}: say which with --pid")
    (row,) = found
    return row


def _frames(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list(rows[0]["frames"]) if rows else []


def _range(engine: Engine) -> str:
    (row,) = engine.rows("SELECT min(goid) AS low, max(goid) AS high FROM goroutines")
    if row["low"] is None:
        return ", which has none"
    return f", whose goroutines are numbered {row['low']} to {row['high']}"
