"""What changed between two recordings, as a listing."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from gtrace_analyze.analyses.diff import Difference
from gtrace_analyze.render.listing import Column, Layout, arranged, show, wrapped
from gtrace_analyze.units import counted, duration, number, short_function

__all__ = ["show_diff"]

_NAMES = [f.name for f in dataclasses.fields(Difference)]
_COLUMNS = [
    Column("verdict", "VERDICT", lambda v: v.replace("in a", "in A").replace("in b", "in B")),
    Column("metric", "WHAT"),
    Column("a_text", "A", right=True),
    Column("b_text", "B", right=True),
    Column("change", "CHANGE", lambda x: "-" if x is None else f"{x:+.0%}", right=True),
    Column("q", "Q", lambda q: "-" if q is None else f"{q:.2g}", right=True),
    Column("where", "OF", elastic=True),
]


def show_diff(found: Sequence[Difference], everything: bool, layout: Layout) -> None:
    """Print the differences, only what says something unless `everything`."""
    rows = [dataclasses.asdict(d) for d in found]
    shown = [row for row in rows if everything or _says_something(row)]
    if layout.form != "text":
        show(shown, [], layout, _NAMES)
        return
    shown = _with_texts(shown)
    if shown:
        show(shown, _COLUMNS, layout, _NAMES)
    else:
        arranged(shown, layout, _NAMES)
    counts = {v: sum(row["verdict"] == v for row in rows) for v in ("changed", "noise", "too few")}
    hidden = not everything and counts["noise"] + counts["too few"] > 0
    print(
        wrapped(
            f"{counted(counts['changed'], 'figure')} changed, {counts['noise']:,} differ by no "
            f"more than noise, {counts['too few']:,} have too little data to tell"
            + ("; --all shows those too" if hidden else "")
        )
    )


def _says_something(row: dict[str, Any]) -> bool:
    """Of what only one recording has, there may be too little for a value."""
    if row["verdict"].startswith("only in"):
        return bool(row["a"] or row["b"])
    return bool(row["verdict"] == "changed")


def _with_texts(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    creators = defaultdict(set)
    for row in rows:
        creators[row["function"]].add(row["created_by"])
    return [
        row
        | {
            "a_text": _value(row["a"], row["metric"]),
            "b_text": _value(row["b"], row["metric"]),
            "where": _place(row, len(creators[row["function"]]) > 1),
        }
        for row in rows
    ]


def _place(row: dict[str, Any], several: bool) -> str:
    """Where it is; `several` make goroutines that start in that function."""
    function = short_function(row["function"])
    if row["reason"]:
        return f"{row['reason']} in {function}"
    by = f" by {short_function(row['created_by'])}" if several and row["created_by"] else ""
    return f"{function}{by}"


def _value(value: float | None, metric: str) -> str:
    if value is None:
        return "-"
    return number(value) if metric == "alive" or metric.endswith("/s") else duration(value)
