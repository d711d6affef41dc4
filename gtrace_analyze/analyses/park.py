"""How long goroutines waited, for what and where."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gtrace_analyze._errors import UsageError
from gtrace_analyze.analyses._order import ordered
from gtrace_analyze.engine import Engine
from gtrace_analyze.moments import Moments
from gtrace_analyze.selection import ALL, Selection

__all__ = ["LEVELS", "Chart", "Histogram", "callers", "chart", "collect", "histograms"]

# What waits can be grouped by, and the columns that then say so.
LEVELS = {
    "reason": ("reason",),
    "function": ("function",),
    "stack": ("reason", "function", "site", "file", "line"),
    "channel": ("reason", "function", "pid", "obj"),
}
# As the view `park_histogram` cuts them.
BINS_PER_DOUBLING = 4
_NUMBERS = [
    *("waits", "total_ns", "p50_ns", "p90_ns", "p99_ns", "max_ns"),
    *("open", "open_ns", "open_longest_ns", "uncertain"),
    *("censored", "km50_ns", "km90_ns", "km99_ns"),
]
# Distributions are kept by these; a channel has too few waits for one.
_HISTOGRAM_KEYS = {"reason": ("reason",), "function": ("function",), "stack": ("reason", "site")}


@dataclass(frozen=True)
class Histogram:
    """How many waits of one group were how long: counts between ascending edges, ns.

    ``facts`` is the group's row of `collect`, and ``caller`` what `callers` says of it, None if
    nothing. Where no wait ended, there are no edges.
    """

    label: str
    facts: dict[str, Any]
    edges: list[float]
    waits: list[int]
    caller: str | None = None


def collect(
    engine: Engine, selection: Selection = ALL, by: str = "stack", system: bool = False
) -> pa.Table:
    """Waits grouped by "reason", "function", "stack" or "channel", most waiting time first.

    Columns: what is grouped by, then waits, total_ns, p50_ns, p90_ns, p99_ns, max_ns, open,
    open_ns, open_longest_ns, uncertain, censored, km50_ns, km90_ns and km99_ns, as in the view
    `park_stats`: of the waits that ended, and estimated for all of them. With `system`, the waits
    of the runtime's own goroutines instead of the program's. A selection takes whole waits that
    overlap its time. Raises UsageError for another `by`.
    """
    if by not in LEVELS:
        raise UsageError(f"waits cannot be grouped by {by!r}; try {', '.join(LEVELS)}")
    source, parameters = "park_stats", dict[str, object]()
    if selection != ALL:
        source = f"park_stats_at($start, $end, $goids, $pattern, '{by}')"
        parameters = selection.parameters(engine)
    found = engine.table(
        f"SELECT {', '.join([*LEVELS[by], *_NUMBERS])}, total_ns + open_ns AS spent_ns "
        f"FROM {source} WHERE level = '{by}' AND system = {system}",
        parameters,
    )
    return ordered(found, "-spent_ns", *LEVELS[by]).drop_columns("spent_ns")


def callers(engine: Engine, groups: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """Names for those of `groups` by "stack" that are otherwise called the same, by their site.

    The same are reason, function and line; the name is that of the first function further out, with
    its line, by which one is told from all the others.
    """
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for group in groups:
        if group["site"] is not None:
            alike[group["reason"], group["function"], group["line"]].append(group["site"])
    sites = [site for same in alike.values() if len(same) > 1 for site in same]
    if not sites:
        return {}
    rows = engine.rows(
        "SELECT stack_id, function, frames FROM stacks WHERE list_contains($sites, stack_id)",
        {"sites": sites},
    )
    outwards = {row["stack_id"]: _outwards(row) for row in rows}
    found = {}
    for same in alike.values():
        ways = Counter(way for site in same for way in outwards.get(site, ()))
        for site in same if len(same) > 1 else ():
            own = next((way for way in outwards[site] if ways[way] == 1), None)
            if own is not None:
                found[site] = own[-1]
    return found


def _outwards(stack: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The ways from the function that a stack is said to be in to each of those outside of it."""
    frames = stack["frames"]
    first = [frame["function"] for frame in frames].index(stack["function"])
    names = [f"{frame['function']}:{frame['line']}" for frame in frames[first + 1 :]]
    return [tuple(names[: end + 1]) for end in range(len(names))]


def histograms(
    engine: Engine,
    selection: Selection = ALL,
    by: str = "reason",
    most: int = 6,
    collected: pa.Table | None = None,
) -> list[Histogram]:
    """The distributions of the groups with most waiting time, one after the other.

    ``collected`` is what `collect` gives of the same, if that is known. Raises UsageError if there
    are none of groups by `by`.
    """
    if by not in _HISTOGRAM_KEYS:
        raise UsageError(f"there are no distributions by {by!r}; try {', '.join(_HISTOGRAM_KEYS)}")
    if collected is None:
        collected = collect(engine, selection, by)
    groups = collected.slice(0, most).to_pylist()
    key = _HISTOGRAM_KEYS[by]
    columns = ", ".join(key)
    source, parameters = selection.source(engine, "park_histogram")
    found = engine.table(
        f"SELECT {columns}, bin, sum(waits)::BIGINT AS waits FROM {source} WHERE NOT system "
        f"GROUP BY {columns}, bin",
        parameters,
    )
    last = found[key[-1]]
    found = found.filter(pc.is_in(last, pa.array([group[key[-1]] for group in groups], last.type)))
    grouped = found.group_by(list(key), use_threads=False).aggregate(
        [("bin", "list"), ("waits", "list")]
    )
    counts = {
        tuple(row[k] for k in key): dict(zip(row["bin_list"], row["waits_list"], strict=True))
        for row in grouped.to_pylist()
    }
    called_by = callers(engine, groups) if by == "stack" else {}
    return [
        _histogram(
            group,
            by,
            counts.get(tuple(group[k] for k in key), {}),
            called_by.get(group.get("site")),
        )
        for group in groups
    ]


@dataclass(frozen=True)
class Chart:
    """When waits ended and how long they were: `cells` has step (a hundredth), bin and waits."""

    recording_start: int
    start: int
    end: int
    cells: pa.Table
    started: str | None  # when the recording did, on the wall clock


def chart(engine: Engine, selection: Selection = ALL) -> Chart:
    """What a picture over time shows."""
    start, end = selection.span(engine)
    source, parameters = selection.source(engine, "park_heatmap")
    cells = engine.table(
        f"SELECT step, bin, sum(waits)::BIGINT AS waits FROM {source} WHERE NOT system "
        "GROUP BY step, bin",
        parameters,
    )
    cells = ordered(cells, "step", "bin")
    return Chart(engine.span[0], start, end, cells, Moments.of(engine).started)


def _histogram(
    group: dict[str, Any], by: str, counts: dict[int, int], caller: str | None
) -> Histogram:
    label = str(group["reason" if by == "reason" else "function"] or "not known")
    if not counts:
        return Histogram(label, group, [], [], caller)
    bins = range(min(counts), max(counts) + 1)
    edges = [2 ** (bin_ / BINS_PER_DOUBLING) for bin_ in (*bins, bins.stop)]
    return Histogram(label, group, edges, [counts.get(bin_, 0) for bin_ in bins], caller)
