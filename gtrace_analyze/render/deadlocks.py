"""Deadlocks as people and programs read them."""

from __future__ import annotations

import dataclasses
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import TextIO

from gtrace_analyze.analyses.deadlocks import Deadlock, Member
from gtrace_analyze.render.listing import Layout, show
from gtrace_analyze.units import duration, short_function, short_place

__all__ = ["show_deadlocks"]

_WIDTH = 80


def show_deadlocks(
    found: Mapping[str, Sequence[Deadlock]], layout: Layout, stream: TextIO | None = None
) -> None:
    """Print the deadlocks of one or several traces, by their sources."""
    out = stream or sys.stdout
    several = len(found) > 1
    pairs = [(source, deadlock) for source, each in found.items() for deadlock in each]
    if layout.form != "text":
        names = [field.name for field in dataclasses.fields(Deadlock)]
        rows = [
            ({"source": source} if several else {}) | dataclasses.asdict(deadlock)
            for source, deadlock in pairs
        ]
        show(rows, [], layout, ["source", *names] if several else names, out)
        return
    if not pairs:
        out.write("no deadlocks found\n")
        return
    shown = pairs[: layout.limit] if layout.limit else pairs
    out.write("\n".join(_paragraph(d, source if several else None) for source, d in shown))
    if len(shown) < len(pairs):
        out.write(f"\n… {len(pairs) - len(shown):,} more; -n 0 shows all\n")


def _paragraph(deadlock: Deadlock, source: str | None) -> str:
    count = len(deadlock.members)
    what = f"{deadlock.kind} of {count}" if deadlock.kind == "cycle" else deadlock.kind
    origin = f"pid {deadlock.pid}" + (f", {source}" if source else "")
    lines = [f"{deadlock.verdict.upper()}  {what}  ({origin})"]
    for member in deadlock.members:
        lines += _waits(member)
    for sentence in deadlock.evidence:
        lines += textwrap.wrap(sentence, _WIDTH, initial_indent="  · ", subsequent_indent="    ")
    if deadlock.behind:
        goids = ", ".join(map(str, deadlock.behind[:8]))
        more = ", …" if len(deadlock.behind) > 8 else ""
        lines.append(f"  behind them {len(deadlock.behind):,} more: {goids}{more}")
    return "\n".join(lines) + "\n"


def _waits(member: Member) -> list[str]:
    """The wait and its stack, from the function on that is not plumbing."""
    functions = [frame["function"] for frame in member.frames]
    first = functions.index(member.function) if member.function in functions else 0
    return [
        f"  goroutine {member.goid}, {member.reason} for {duration(member.waits_ns)}",
        *(
            f"    {short_function(frame['function'])}  {short_place(frame['file'], frame['line'])}"
            for frame in member.frames[first:]
        ),
    ]
