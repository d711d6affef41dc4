"""gtrace-analyze deadlocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands import common

if TYPE_CHECKING:
    from gtrace_analyze.render.listing import Layout
    from gtrace_analyze.selection import Selection


@click.command(
    epilog="Examples: gtrace-analyze deadlocks trace.parquet;  "
    "gtrace-analyze deadlocks --json trace.parquet | jq '.[].members[].goid'"
)
@common.traces
@common.selecting
@common.listing()
def command(traces: tuple[str, ...], selection: Selection, layout: Layout) -> None:
    """Goroutines that hold each other up for ever: cycles, and locks that nobody gives back.

    Go does not note who holds a lock; here it is whoever's stack points at it. The verdict is
    deadlock where a search of memory proves that nothing can wake them, else suspect.
    """
    from gtrace_analyze.analyses import deadlocks
    from gtrace_analyze.render.deadlocks import show_deadlocks

    found = {}
    for trace in common.opened(traces, selection):
        found[trace.source] = deadlocks.collect(trace.engine, selection)
        if not found[trace.source] and (count := deadlocks.unsearched(trace.engine, selection)):
            common.note(
                f"{trace.source}: {count:,} have waited for locks for 5s or longer, but no "
                "snapshot shows whose stacks point at those; leaks tells what their own stacks say"
            )
    show_deadlocks(found, layout)
