"""A critical path, from its end back."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, TextIO, TypeVar

from gtrace_analyze.analyses.critical_path import Path, Step
from gtrace_analyze.moments import Moments
from gtrace_analyze.render.listing import Column, Layout, arranged, show, wrapped
from gtrace_analyze.units import counted, duration, short_function

__all__ = ["show_path"]

_NAMES = [
    *("ts", "ts_end", "dur", "goid", "depth", "state", "reason", "function"),
    *("wake", "waker_goid", "certain", "end"),
]
_Key = TypeVar("_Key")
_OF_EACH = 3  # goroutines named of each kind of time
_COLUMNS = [
    Column("at", "FROM", right=True),
    Column("dur", "FOR", duration, right=True),
    Column("who", "GOROUTINE"),
    Column("what", "", elastic=True),
]


def show_path(path: Path, layout: Layout, moments: Moments, stream: TextIO | None = None) -> None:
    """Print the steps, the latest first, and where the time went; as JSON or CSV, the steps."""
    out = stream or sys.stdout
    rows = [step._asdict() | {"dur": step.dur} for step in path.steps]
    rows = [{name: row[name] for name in _NAMES} for row in rows]
    if layout.form == "text":
        told = zip(rows, path.steps, strict=True)
        rows = [row | {"at": moments.text(row["ts"])} | _texts(step) for row, step in told]
        arranged([], layout, moments.names(_NAMES))
        _write_head(path, moments, out)
    show(moments.rows(rows), _COLUMNS, layout, moments.names(_NAMES), out)
    if layout.form == "text":
        if not path.whole:
            reached = moments.text(path.steps[-1].ts)
            cut = (
                f"… followed back to {reached}, through {len(path.steps):,} steps; the shares "
                f"below are of that part, and --at {reached} goes on from there"
            )
            out.write(f"{wrapped(cut)}\n")
        _write_sums(path, out)


def _texts(step: Step) -> dict[str, Any]:
    return {
        "who": f"{'  ' * step.depth}{step.goid}",
        "what": _what(step),
    }


def _what(step: Step) -> str:
    if step.state != "waiting":
        return (step.state or "state not known") + ("" if step.certain else ", uncertain")
    parts = [f"{step.reason or 'wait'} in {short_function(step.function)}"]
    if (step.end or "").startswith("not woken"):
        pass
    elif step.wake == "goroutine":
        parts.append(f"woken by {step.waker_goid}")
    elif step.wake is not None:
        parts.append(f"woken by {step.wake}")
    if step.end == "other work":
        parts.append("from here on other work")
    elif step.end is not None:
        parts.append(step.end)
    if not step.certain:
        parts.append("uncertain")
    return ", ".join(parts)


def _write_head(path: Path, moments: Moments, out: TextIO) -> None:
    steps = path.steps
    name = short_function(path.facts["function"])
    length = steps[0].ts_end - min(s.ts for s in steps) if steps else 0
    end = steps[0].ts_end if steps else path.recording_start
    head = (
        f"goroutine {path.facts['goid']}, {name}: the last {duration(length)} before "
        f"{moments.text(end)}, from the end back"
    )
    out.write(f"{wrapped(head)}\n\n")


def _write_sums(path: Path, out: TextIO) -> None:
    """What the time is made of: waits that a waker explains are left to the waker's steps."""
    sums: dict[str, int] = defaultdict(int)
    of_whom: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for number, step in enumerate(path.steps):
        following = path.steps[number + 1] if number + 1 < len(path.steps) else None
        if following is None or following.depth <= step.depth:
            sums[_kind(step)] += step.dur
            if step.state != "waiting":
                of_whom[_kind(step)][step.goid] += step.dur
    whole = max(sum(sums.values()), 1)
    out.write("\nwhere the time went\n")
    for kind, ns in _largest(sums):
        out.write(wrapped(f"{duration(ns):>7} {ns / whole:>4.0%}  {kind}", " " * 14) + "\n")
        for goid, part in _largest(of_whom[kind])[:_OF_EACH]:
            name = path.names.get(goid)
            who = f"goroutine {goid}" + (f", {short_function(name)}" if name else "")
            out.write(f"{'':12}  {duration(part):>7} {part / whole:>4.0%}  {who}\n")
        if (others := len(of_whom[kind]) - _OF_EACH) > 0:
            out.write(f"{'':28}{counted(others, 'other')}\n")


def _largest(sums: Mapping[_Key, int]) -> list[tuple[_Key, int]]:
    return sorted(sums.items(), key=lambda item: -item[1])


def _kind(step: Step) -> str:
    if step.state != "waiting":
        return step.state or "state not known"
    where = f"{step.reason or 'wait'} in {short_function(step.function)}"
    if step.end == "other work":
        return f"other work of goroutine {step.goid} ({where})"
    return f"{where} ({step.end or step.wake})"
