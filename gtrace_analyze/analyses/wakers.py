"""Who woke whom."""

from __future__ import annotations

import pyarrow as pa

from gtrace_analyze._errors import UsageError
from gtrace_analyze.engine import Engine
from gtrace_analyze.selection import ALL, Selection

__all__ = ["LEVELS", "collect", "sees"]

_PLACES = ("waker_goroutine", "waker_function", "goroutine", "function", "reason")
# What wake-ups can be grouped by, and the columns that then say so.
LEVELS = {
    "function": ("wake", *_PLACES),
    "goroutine": ("wake", "pid", "waker_goid", "goid", *_PLACES),
}


# Names for the pairs with most wake-ups alone: there may be as many pairs as events.
_MOST = """
    WITH most AS (
        SELECT wakes FROM int_wake_pairs WHERE system = $system ORDER BY wakes DESC LIMIT {most}
    )
    SELECT p.* EXCLUDE (reason), p.reason::VARCHAR AS reason,
        h.function AS waker_goroutine, w.function AS waker_function,
        g.function AS goroutine, s.function
    FROM int_wake_pairs AS p
    LEFT JOIN stacks AS s ON s.stack_id = p.spot
    LEFT JOIN stacks AS w ON w.stack_id = p.waker_spot
    LEFT JOIN goroutines AS g ON g.pid = p.pid AND g.goid = p.goid
    LEFT JOIN goroutines AS h ON h.pid = p.pid AND h.goid = p.waker_goid
    WHERE p.system = $system AND p.wakes >= (SELECT min(wakes) FROM most)
"""


def _has(engine: Engine, system: bool, most: int) -> bool:
    """Whether as many pairs are stored, or all."""
    (row,) = engine.rows(
        "SELECT count(*) FILTER (system = $system) AS pairs, any_value(least) AS least "
        "FROM int_wake_pairs",
        {"system": system},
    )
    return bool(row["pairs"] >= most or row["least"] == 0)


def sees(engine: Engine) -> bool:
    """Whether the recording tells who wakes goroutines."""
    return "ready" in engine.recording.watched


def collect(
    engine: Engine,
    selection: Selection = ALL,
    by: str = "function",
    system: bool = False,
    most: int | None = None,
) -> pa.Table:
    """Wake-ups grouped by "function" or "goroutine" of both sides, the `most` frequent first.

    Columns: who woke and who was woken, then wakes, waited_ns, longest_ns and uncertain, as in the
    view `wake_graph`. With `system`, wake-ups in the runtime's own business. Raises UsageError for
    another `by`.
    """
    if by not in LEVELS:
        raise UsageError(f"wake-ups cannot be grouped by {by!r}; try {', '.join(LEVELS)}")
    parameters: dict[str, object] = {"system": system}
    if selection != ALL:
        source = "wake_graph_of($start, $end, $goids, $pattern) WHERE level = $level AND "
        parameters |= selection.parameters(engine) | {"level": by}
    elif by == "function":
        source = "wake_graph WHERE "
    elif most is None or not _has(engine, system, most):
        source = "wake_graph_of(NULL, NULL, NULL, NULL) WHERE level = $level AND "
        parameters["level"] = by
    else:
        source = f"({_MOST.format(most=int(most))}) WHERE "
    columns = ", ".join((*LEVELS[by], "wakes", "waited_ns", "longest_ns", "uncertain"))
    order = ", ".join(("wakes DESC", *LEVELS[by]))
    limit = "" if most is None else f" LIMIT {int(most)}"
    return engine.table(
        f"SELECT {columns} FROM {source}system = $system ORDER BY {order}{limit}", parameters
    )
