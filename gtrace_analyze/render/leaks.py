"""Leak groups as people and programs read them."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from gtrace_analyze.analyses.leaks import LeakGroup, doing
from gtrace_analyze.render.listing import Layout, arranged, show, sources, the_rest
from gtrace_analyze.units import counted, short_function, short_place

__all__ = ["show_leaks"]

_FIELDS = [
    "function", "file", "line", "created_by", "created_at", "reason", "count", "goids", "oldest_ns",
    "newest_ns", "growth_per_s", "verdict", "evidence", "stack",
    "parked",
]  # fmt: skip
_VERDICTS = ["leak", "suspect", "idle"]  # gravest first
_WIDTH = 80


def show_leaks(
    found: Mapping[str, Sequence[LeakGroup]],
    layout: Layout,
    none: str,
    stream: TextIO | None = None,
) -> None:
    """Print the groups of one or several traces, by their sources; if there are none, `none`."""
    out = stream or sys.stdout
    rows = sources({s: [group.to_dict() for group in groups] for s, groups in found.items()})
    if len(found) > 1:
        rows.sort(key=lambda row: (_VERDICTS.index(row["verdict"]), -row["count"]))
    extra = [name for name in ("source", "pid") if any(name in row for row in rows)]
    rows = [dict.fromkeys(extra) | row for row in rows]
    if layout.form != "text":
        show(rows, [], layout, extra + _FIELDS, out)
        return
    rows = list(arranged(rows, layout, extra + _FIELDS))
    if not rows:
        out.write(f"{none}\n")
        return
    shown = layout.cut(rows)
    out.write("\n".join(_paragraph(row) for row in shown))
    if len(shown) < len(rows):
        out.write("\n" + the_rest(counted(len(rows) - len(shown), "more group")))


def _paragraph(row: Mapping[str, Any]) -> str:
    head = f"{row['verdict'].upper()}  {row['count']:,} × {short_function(row['function'])}"
    origin = [f"pid {row['pid']}"] if row.get("pid") is not None else []
    origin += [row["source"]] if "source" in row else []
    lines = [
        head + (f"  ({', '.join(origin)})" if origin else ""),
        f"  {doing(row['reason'], row['parked'])}",
    ]
    if row["file"] or row["parked"]:
        lines[-1] += f" at {short_place(row['file'], row['line'])}"
    if row["created_at"]:
        file, _, number = row["created_at"].rpartition(":")
        place = short_place(file, int(number))
        lines.append(f"  created by {short_function(row['created_by'])} at {place}")
    for sentence in row["evidence"]:
        lines += textwrap.wrap(sentence, _WIDTH, initial_indent="  · ", subsequent_indent="    ")
    goids = [str(goid) for goid in row["goids"][:8]]
    more = ", …" if row["count"] > len(goids) else ""
    word = "goroutine" if row["count"] == 1 else "goroutines"
    lines.append(f"  {word} {', '.join(goids)}{more}")
    lines += [
        f"    {short_function(frame['function'])}  {short_place(frame['file'], frame['line'])}"
        for frame in row["stack"]
    ]
    return "\n".join(lines) + "\n"
