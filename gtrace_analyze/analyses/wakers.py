"""Who woke whom."""

from __future__ import annotations

import pyarrow as pa

from gtrace_analyze._errors import UsageError
from gtrace_analyze.engine import Engine
from gtrace_analyze.selection import ALL, Selection

__all__ = ["LEVELS", "collect"]

_PLACES = ("waker_goroutine", "waker_function", "goroutine", "function", "reason")
# What wake-ups can be grouped by, and the columns that then say so.
LEVELS = {
    "function": ("wake", *_PLACES),
    "goroutine": ("wake", "pid", "waker_goid", "goid", *_PLACES),
}


def collect(
    engine: Engine, selection: Selection = ALL, by: str = "function", system: bool = False
) -> pa.Table:
    """Wake-ups grouped by "function" or "goroutine" of both sides, the most frequent first.

    Columns: who woke and who was woken, then wakes, waited_ns, longest_ns and uncertain, as in the
    view `wake_graph`. With `system`, wake-ups in the runtime's own business. Raises UsageError for
    another `by`.
    """
    if by not in LEVELS:
        raise UsageError(f"wake-ups cannot be grouped by {by!r}; try {', '.join(LEVELS)}")
    columns = ", ".join((*LEVELS[by], "wakes", "waited_ns", "longest_ns", "uncertain"))
    order = ", ".join(("wakes DESC", *LEVELS[by]))
    if selection == ALL and by == "function":
        return engine.table(
            f"SELECT {columns} FROM wake_graph WHERE system = $system ORDER BY {order}",
            {"system": system},
        )
    return engine.table(
        f"SELECT {columns} FROM wake_graph_of($start, $end, $goids, $pattern) "
        f"WHERE level = $level AND system = $system ORDER BY {order}",
        {**selection.parameters(engine), "level": by, "system": system},
    )
