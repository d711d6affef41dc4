"""Deadlocks as people and programs read them."""

from __future__ import annotations

import dataclasses
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from gtrace_analyze.analyses.deadlocks import Deadlock, Member
from gtrace_analyze.render.listing import Layout, arranged, show, sources, the_rest
from gtrace_analyze.units import duration, short_function, short_place

__all__ = ["show_deadlocks"]

_WIDTH = 80


def show_deadlocks(
    found: Mapping[str, Sequence[Deadlock]], layout: Layout, stream: TextIO | None = None
) -> None:
    """Print the deadlocks of one or several traces, by their sources."""
    out = stream or sys.stdout
    names = [field.name for field in dataclasses.fields(Deadlock)]
    rows = sources({s: [vars(deadlock) for deadlock in each] for s, each in found.items()})
    if len(found) > 1:
        names = ["source", *names]
        rows.sort(key=lambda row: (row["verdict"], -len(row["members"]) - len(row["behind"])))
    if layout.form != "text":
        rows = [row | {"members": [*map(dataclasses.asdict, row["members"])]} for row in rows]
        show(rows, [], layout, names, out)
        return
    rows = list(arranged(rows, layout, names))
    if not rows:
        out.write("no deadlocks found\n")
        return
    shown = layout.cut(rows)
    out.write("\n".join(_paragraph(row) for row in shown))
    if len(shown) < len(rows):
        out.write("\n" + the_rest(f"{len(rows) - len(shown):,} more"))


def _paragraph(row: Mapping[str, Any]) -> str:
    count = len(row["members"])
    what = f"{row['kind']} of {count}" if row["kind"] == "cycle" else row["kind"]
    origin = f"pid {row['pid']}" + (f", {row['source']}" if "source" in row else "")
    lines = [f"{row['verdict'].upper()}  {what}  ({origin})"]
    for member in row["members"]:
        lines += _waits(member)
    for sentence in row["evidence"]:
        lines += textwrap.wrap(sentence, _WIDTH, initial_indent="  · ", subsequent_indent="    ")
    if row["behind"]:
        goids = ", ".join(map(str, row["behind"][:8]))
        more = ", …" if len(row["behind"]) > 8 else ""
        lines.append(f"  behind them {len(row['behind']):,} more: {goids}{more}")
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
