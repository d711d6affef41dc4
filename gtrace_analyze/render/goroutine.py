"""One goroutine's life as text or JSON."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, TextIO

from gtrace_analyze.analyses.goroutine import Life
from gtrace_analyze.moments import Moments
from gtrace_analyze.render.listing import (
    Column,
    Layout,
    arranged,
    records,
    show,
    wrapped,
    write_json,
)
from gtrace_analyze.units import counted, duration, number, short_function, short_place

__all__ = ["show_life"]

_WAITS = [
    Column("total_ns", "TIME", duration, right=True),
    Column("waits", "WAITS", number, right=True),
    Column("max_ns", "MAX", duration, right=True),
    Column("open_ns", "OPEN FOR", duration, right=True),
    Column("reason", "REASON", elastic=True),
    Column("function", "FUNCTION", short_function, elastic=True),
    Column("line", "LINE", right=True),
]
_WAKERS = [
    Column("wakes", "WAKES", number, right=True),
    Column("waited_ns", "AFTER", duration, right=True),
    Column("wake", "BY"),
    Column("waker_goid", "GOID", right=True),
    Column("waker_function", "ITS START FUNCTION", short_function, elastic=True),
]
_CHILDREN = [
    Column("goroutines", "CREATED", number, right=True),
    Column("ended", "ENDED", number, right=True),
    Column("function", "START FUNCTION", short_function, elastic=True),
    Column("created_at", "AT", lambda value: _place(value), elastic=True),
]
_INTERVALS = [
    Column("at", "AT", right=True),
    Column("dur_seen", "FOR", duration, right=True),
    Column("state", "STATE", lambda value: value or "unknown"),
    Column("what", "WHAT", elastic=True),
]


def show_life(life: Life, layout: Layout, moments: Moments, stream: TextIO | None = None) -> None:
    """Print it, as CSV only its intervals: the last `layout.limit`, or the first by a column."""
    out = stream or sys.stdout
    names = moments.names(life.intervals.column_names)
    intervals = arranged(moments.rows(records(life.intervals)), layout, names)
    if layout.limit:
        intervals = intervals[-layout.limit :] if layout.sort is None else layout.cut(intervals)
    if layout.form == "json":
        value = {
            "facts": moments.rows([life.facts])[0],
            "stack": life.stack,
            "creator_stack": life.creator_stack,
            "waits": records(life.waits),
            "wakers": records(life.wakers),
            "children": records(life.children),
            "intervals": intervals,
        }
        write_json(value, out)
    elif layout.form == "csv":
        show(intervals, [], Layout("csv"), names, out)
    else:
        _write(life, intervals, layout.sort, moments, out)


def _write(
    life: Life,
    intervals: Sequence[dict[str, Any]],
    sort: str | None,
    moments: Moments,
    out: TextIO,
) -> None:
    for line in _facts(life, moments):
        out.write(line + "\n")
    at = "waits at" if life.facts["state"] == "waiting" else "last waited or gave way at"
    for title, frames in ((at, life.stack), ("created by", life.creator_stack)):
        if frames:
            out.write(f"\n{title}\n")
            for frame in frames:
                place = short_place(frame["file"], frame["line"])
                out.write(f"  {short_function(frame['function'])}  {place}\n")
    for title, table, columns in (
        ("where it waited", life.waits, _WAITS),
        ("who woke it", life.wakers, _WAKERS),
        ("what it created", life.children, _CHILDREN),
    ):
        if table.num_rows:
            out.write(f"\n{title}\n")
            show(records(table), columns, Layout(limit=10), table.column_names, out)
    shown = [row | {"at": moments.text(row["ts"]), "what": _what(row)} for row in intervals]
    count = life.interval_count
    place = "last" if sort is None else "first"
    which = "all" if len(shown) == count else f"the {place} {len(shown):,} of {count:,}"
    which += "" if sort is None else f" by {sort}"
    clock = "is on the wall clock" if moments.wall else "counts from the start of the recording"
    out.write(f"\n{wrapped(f'its states, {which} (AT {clock})')}\n")
    show(shown, _INTERVALS, Layout(), [], out)


def _facts(life: Life, moments: Moments) -> list[str]:
    facts = life.facts
    lines = [
        f"goroutine {facts['goid']} of pid {facts['pid']}, {facts['state'] or 'state unknown'}"
    ]
    if facts["function"]:
        lines.append(f"  starts in {short_function(facts['function'])}")
    if facts["created_by"]:
        parent = f", goroutine {facts['parent_goid']}" if facts["parent_goid"] else ""
        by = short_function(facts["created_by"])
        lines.append(f"  created by {by} at {_place(facts['created_at'])}{parent}")
    begin, end = facts["ts"], facts["ts_end"]
    born = "before the recording" if begin is None else f"at {moments.text(begin)}"
    died = "" if end is None else f", ended at {moments.text(end)}"
    lines.append(f"  created {born}{died}")
    spent = [
        f"{duration(facts[f'{state}_ns'])} {state}"
        for state in ("running", "runnable", "waiting", "syscall")
        if facts[f"{state}_ns"]
    ]
    said = [", ".join(spent)] if spent else []
    said.append(
        counted(facts["waits"], "wait") if life.interval_count else "no state of it was seen"
    )
    lines.append(f"  {'; '.join(said)}")
    if facts["labels"]:
        lines.append(f"  labels {', '.join(f'{k}={v}' for k, v in dict(facts['labels']).items())}")
    if not facts["certain"] and life.interval_count:
        lines.append("  some of this is uncertain: see gtrace-analyze health")
    return lines


def _what(row: dict[str, Any]) -> str:
    parts = []
    if row["reason"]:
        parts.append(f"{row['reason']} in {short_function(row['function'])}")
    if row["wake"] == "goroutine":
        parts.append(f"woken by {row['waker_goid']}")
    elif row["wake"]:
        parts.append(f"woken by {row['wake']}")
    elif row["ended_by"] is None:
        parts.append("to the end")
    if row["state"] == "running":
        parts.append(f"on thread {row['tid']}")
    if not row["certain"]:
        parts.append("uncertain")
    return ", ".join(parts)


def _place(created_at: str | None) -> str:
    if created_at is None:
        return "-"
    file, _, line = created_at.rpartition(":")
    return short_place(file, int(line))
