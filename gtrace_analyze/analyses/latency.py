"""How long goroutines that could run waited for a processor."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from gtrace_analyze._errors import UsageError
from gtrace_analyze.analyses._order import ordered
from gtrace_analyze.engine import Engine
from gtrace_analyze.moments import Moments
from gtrace_analyze.selection import ALL, Selection

__all__ = ["LEVELS", "Chart", "chart", "collect", "heatmap", "over_time", "sees", "worst"]

# What runs can be grouped by, and the columns that then say so.
LEVELS = {
    "site": ("function", "created_by", "created_at"),
    "function": ("function",),
    "cause": ("cause",),
    "all": (),
}
_NUMBERS = [
    *("runs", "total_ns", "p50_ns", "p90_ns", "p99_ns", "max_ns"),
    *("open", "open_longest_ns", "uncertain"),
]
_STORED_WORST = 20


@dataclass(frozen=True)
class Chart:
    """Latency over a span of time, ns: `steps` as of `over_time`, `cells` as of `heatmap`."""

    recording_start: int
    start: int
    end: int
    steps: pa.Table
    cells: pa.Table
    started: str | None  # when the recording did, on the wall clock


def sees(engine: Engine) -> bool:
    """Whether the recording tells when goroutines begin to run."""
    return "run" in engine.recording.watched


def collect(
    engine: Engine, selection: Selection = ALL, by: str = "site", system: bool = False
) -> pa.Table:
    """Scheduling latency grouped by "site", "function", "cause" or "all", most time lost first.

    Columns: what is grouped by, then runs, total_ns, p50_ns, p90_ns, p99_ns, max_ns, open,
    open_longest_ns and uncertain, as in the view `latency_stats`. With `system`, that of the
    runtime's own goroutines. A selection takes whole periods that overlap its time; its function is
    the start function or the creator. Raises UsageError for another `by`.
    """
    if by not in LEVELS:
        raise UsageError(f"latency cannot be grouped by {by!r}; try {', '.join(LEVELS)}")
    source, parameters = "latency_stats", dict[str, object]()
    if selection != ALL:
        source = f"latency_stats_at($start, $end, $goids, $pattern, '{by}')"
        parameters = selection.parameters(engine)
    found = engine.table(
        f"SELECT {', '.join([*LEVELS[by], *_NUMBERS])} FROM {source} "
        f"WHERE level = '{by}' AND system = {system}",
        parameters,
    )
    return ordered(found, "-total_ns", *LEVELS[by])


def over_time(engine: Engine, selection: Selection = ALL, system: bool = False) -> pa.Table:
    """Latency in hundredths of the selected time; the columns of `latency_over_time`."""
    source, parameters = selection.source(engine, "latency_over_time")
    steps = engine.table(
        f"SELECT * EXCLUDE (system) FROM {source} WHERE system = {system}", parameters
    )
    return ordered(steps, "step")


def heatmap(engine: Engine, selection: Selection = ALL) -> pa.Table:
    """How many waited how long in each hundredth of the selected time: step, bin, runs.

    Bin n holds waits from 2^(n/4) ns on, as in the view `latency_heatmap`.
    """
    source, parameters = selection.source(engine, "latency_heatmap")
    cells = engine.table(f"SELECT step, bin, runs FROM {source} WHERE NOT system", parameters)
    return ordered(cells, "step", "bin")


def worst(engine: Engine, selection: Selection = ALL, most: int = 20) -> pa.Table:
    """The longest of all, and what ran instead; the columns of `latency_worst`."""
    if selection == ALL and most <= _STORED_WORST:
        source, parameters = "latency_worst", dict[str, object]()
    else:
        source = "latency_worst_of($start, $end, $goids, $pattern, $most)"
        parameters = selection.parameters(engine) | {"most": most}
    return ordered(engine.table(f"FROM {source}", parameters), "-dur_seen", "ts", "goid")[:most]


def chart(engine: Engine, selection: Selection = ALL) -> Chart:
    """What a picture over time shows."""
    start, end = selection.span(engine)
    steps, cells = over_time(engine, selection), heatmap(engine, selection)
    return Chart(engine.span[0], start, end, steps, cells, Moments.of(engine).started)
