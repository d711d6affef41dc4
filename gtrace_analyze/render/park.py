"""Waits as a listing and as bars."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, TextIO

import pyarrow as pa

from gtrace_analyze.analyses.park import BINS_PER_DOUBLING, LEVELS, Histogram
from gtrace_analyze.render.listing import Column, Layout, merged, show, sources
from gtrace_analyze.units import counted, duration, number, short_function

__all__ = ["estimate", "show_histograms", "show_park"]

_NUMBERS = [
    Column("waited_ns", "TIME", duration, right=True),
    Column("waits", "WAITS", number, right=True),
    Column("p50_ns", "P50", duration, right=True),
    Column("p99_ns", "P99", duration, right=True),
    Column("max_ns", "MAX", duration, right=True),
    Column("open", "OPEN", number, right=True),
]
# What differs by less is the rounding of the estimate.
_SAME = 1 / 256
_BAR = 40
_KEYS = {
    "reason": Column("reason", "REASON", elastic=True),
    "function": Column("function", "FUNCTION", short_function, elastic=True),
    "obj": Column("obj", "CHANNEL", lambda address: f"{address:#x}"),
}


def show_park(
    found: Mapping[str, pa.Table],
    by: str,
    layout: Layout,
    callers: Mapping[str, Mapping[int, str]],
) -> None:
    """Print the waits of one or several traces, by their sources; `callers` as of `park.callers`.

    Those are for text, in which rows that would look the same are told apart by them.
    """
    rows, names = merged(found, lambda row: -row["total_ns"] - row["open_ns"])
    keys = [column for name, column in _KEYS.items() if name in names]
    source = [Column("source", "SOURCE", elastic=True)] if "source" in names else []
    numbers = list(_NUMBERS)
    if layout.form == "text":
        rows = [row | {"waited_ns": row["total_ns"] + row["open_ns"]} for row in rows]
        (only, *_) = found
        if by == "stack":
            by_source = [(row, callers[row.get("source", only)]) for row in rows]
            rows = [row | {"function": _at_line(row, of)} for row, of in by_source]
        rows = [row | {f"est{p}": estimate(row, p) for p in (50, 99)} for row in rows]
        if any(row["censored"] or row["open"] for row in rows):
            numbers[4:4] = [Column(f"est{p}", f"KM{p}", right=True) for p in (50, 99)]
    show(rows, [*source, *numbers, *keys], layout, names)


def show_histograms(
    found: Mapping[str, Sequence[Histogram]],
    by: str,
    layout: Layout,
    stream: TextIO | None = None,
) -> None:
    """Print distributions as bars, one step for a doubling of the time; else, a row for each bin.

    The groups are in order already, and no more than are to be shown.
    """
    out = stream or sys.stdout
    if layout.form != "text":
        keys = LEVELS[by]
        names = [*keys, "from_ns", "to_ns", "waits"]
        rows = sources(
            {s: [row for h in each for row in _bins(h, keys)] for s, each in found.items()}
        )
        several = ["source"] if len(found) > 1 else []
        show(rows, [], Layout(layout.form), [*several, *names], out)
        return
    for source, histograms in found.items():
        if len(found) > 1:
            out.write(f"{source}\n")
        for histogram in histograms:
            _write_histogram(histogram, out)


def _bins(histogram: Histogram, keys: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {key: histogram.facts[key] for key in keys}
        | {"from_ns": begin, "to_ns": end, "waits": waits}
        for (begin, end), waits in zip(pairwise(histogram.edges), histogram.waits, strict=True)
    ]


def _write_histogram(histogram: Histogram, out: TextIO) -> None:
    facts = histogram.facts
    title = short_function(histogram.label) if "function" in facts else histogram.label
    reason = f", {facts['reason']}" if "function" in facts and facts.get("reason") else ""
    if histogram.caller:
        title += f" ← {short_function(histogram.caller)}"
    still = f", {facts['open']:,} open up to {duration(facts['open_longest_ns'])}"
    out.write(
        f"{title}{reason}: {counted(facts['waits'], 'wait')}{still if facts['open'] else ''}\n"
    )
    _write_bars(histogram, out)
    out.write("\n")


def _write_bars(histogram: Histogram, out: TextIO) -> None:
    steps = range(0, len(histogram.waits), BINS_PER_DOUBLING)
    counts = [sum(histogram.waits[i : i + BINS_PER_DOUBLING]) for i in steps]
    most = max(counts, default=1)
    for i, count in zip(steps, counts, strict=True):
        last = min(i + BINS_PER_DOUBLING, len(histogram.waits))
        span = f"{duration(histogram.edges[i]):>7} … {duration(histogram.edges[last]):<7}"
        bar = "█" * (count * _BAR // most) or ("▏" if count else "")
        out.write(f"  {span} {count:>9,} {bar}".rstrip() + "\n")


def estimate(row: dict[str, Any], percent: int) -> str:
    """The Kaplan-Meier quantile, "=" where it is the one of the waits that ended.

    "-" where there is neither, since all of the waits were under way when the recording began.
    """
    estimate, plain = row[f"km{percent}_ns"], row[f"p{percent}_ns"]
    if not row["censored"]:
        return "-" if plain is None else "="
    if estimate is None:
        longest = max(row["open_longest_ns"] or 0, row["max_ns"] or 0)
        return f">{duration(longest)}"
    same = plain is not None and abs(estimate - plain) <= _SAME * plain
    return "=" if same else duration(estimate)


def _at_line(row: dict[str, Any], callers: Mapping[int, str]) -> str:
    line = "" if row["line"] is None else f":{row['line']}"
    caller = callers.get(row["site"])
    # Shortened by itself: the column cuts what is before the last slash.
    below = f" ← {short_function(caller)}" if caller else ""
    return f"{row['function'] or '-'}{line}{below}"
