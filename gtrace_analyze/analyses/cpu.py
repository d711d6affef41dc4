"""Which goroutines kept the processors busy, at most."""

from __future__ import annotations

import pyarrow as pa

from gtrace_analyze._errors import UsageError
from gtrace_analyze.engine import Engine
from gtrace_analyze.selection import ALL, Selection

__all__ = ["LEVELS", "collect", "sees_syscalls"]

# What running time can be grouped by, and the columns that then say so.
LEVELS = {
    "site": ("function", "created_by", "created_at"),
    "function": ("function",),
    "goroutine": ("pid", "goid", "function", "created_by", "created_at"),
}


def sees_syscalls(engine: Engine) -> bool:
    """Whether time in system calls is told from time running."""
    return "syscall_enter" in engine.recording.watched


def collect(
    engine: Engine,
    selection: Selection = ALL,
    by: str = "site",
    system: bool = False,
    most: int | None = None,
) -> pa.Table:
    """Running time grouped by "site", "function" or "goroutine", the `most` busiest first.

    Columns: what is grouped by, then goroutines (that ran), running_ns, share (of one processor
    during the selected time: 2.0 is two of them), runs, longest_ns (the longest without a break)
    and uncertain_ns, as in the view `cpu_time`. Periods are cut at the ends of the selected time.
    With `system`, the runtime's own goroutines. Raises UsageError for another `by`.
    """
    if by not in LEVELS:
        raise UsageError(f"running time cannot be grouped by {by!r}; try {', '.join(LEVELS)}")
    start, end = selection.span(engine)
    source, parameters = selection.source(engine, "cpu_time")
    keys = ", ".join(LEVELS[by])
    parameters |= {"system": system, "length": max(end - start, 1)}
    limit = "" if most is None else f"LIMIT {most}"
    if by == "goroutine":  # of which the view has a row each: nothing to add up
        return engine.table(
            f"""SELECT {keys}, 1::BIGINT AS goroutines, running_ns, running_ns / $length AS share,
                runs, longest_ns, uncertain_ns
            FROM {source} WHERE system = $system ORDER BY running_ns DESC, pid, goid {limit}""",
            parameters,
        )
    return engine.table(
        f"""SELECT {keys}, count(*) AS goroutines, sum(running_ns)::BIGINT AS running_ns,
            sum(running_ns) / $length AS share, sum(runs)::BIGINT AS runs,
            max(longest_ns) AS longest_ns, sum(uncertain_ns)::BIGINT AS uncertain_ns
        FROM {source} WHERE system = $system
        GROUP BY {keys} ORDER BY running_ns DESC, {keys} {limit}""",
        parameters,
    )
