"""What changed between two recordings, as a listing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from gtrace_analyze.analyses.diff import Difference
from gtrace_analyze.render.listing import Column, Layout, show
from gtrace_analyze.units import duration, short_function

__all__ = ["show_diff"]

_NAMES = [f.name for f in dataclasses.fields(Difference)]
_COLUMNS = [
    Column("verdict", "VERDICT"),
    Column("metric", "WHAT"),
    Column("a_text", "A", right=True),
    Column("b_text", "B", right=True),
    Column("change", "CHANGE", lambda x: "-" if x is None else f"{x:+.0%}", right=True),
    Column("q", "Q", lambda q: "-" if q is None else f"{q:.2g}", right=True),
    Column("where", "OF", elastic=True),
]


def show_diff(found: Sequence[Difference], everything: bool, layout: Layout) -> None:
    """Print the differences; in text only what is none of noise unless `everything`."""
    rows = [dataclasses.asdict(d) for d in found]
    if layout.form != "text":
        show(rows, [], layout, _NAMES)
        return
    shown = [row for row in rows if everything or row["verdict"] not in ("noise", "too few")]
    shown = [row | _texts(row) for row in shown]
    if shown:
        show(shown, _COLUMNS, layout, _NAMES)
    counts = {v: sum(row["verdict"] == v for row in rows) for v in ("changed", "noise", "too few")}
    print(
        f"{counts['changed']} figures changed, {counts['noise']} differ by no more than noise, "
        f"{counts['too few']} have too little data to tell"
    )


def _texts(row: dict[str, Any]) -> dict[str, Any]:
    flow = row["metric"].endswith("/s")
    place = short_function(row["function"])
    if row["reason"]:
        place = f"{row['reason']} in {place}"
    elif row["created_by"]:
        place = f"{place} by {short_function(row['created_by'])}"
    return {
        "a_text": _value(row["a"], flow),
        "b_text": _value(row["b"], flow),
        "where": place,
    }


def _value(value: float | None, flow: bool) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if flow else duration(value)
