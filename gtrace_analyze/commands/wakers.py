"""gtrace-analyze wakers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands import common

if TYPE_CHECKING:
    from gtrace_analyze.render.listing import Layout
    from gtrace_analyze.selection import Selection


@click.command(
    epilog="Examples: gtrace-analyze wakers trace.parquet;  "
    "gtrace-analyze wakers --by goroutine --goid 4711 trace.parquet"
)
@common.traces
@click.option(
    "--by",
    type=click.Choice(["function", "goroutine"]),
    default="function",
    show_default=True,
    help="Who is told apart: functions, or single goroutines too.",
)
@click.option("--system", is_flag=True, help="The runtime's own waits, not the program's.")
@common.selecting
@common.listing()
def command(
    traces: tuple[str, ...], by: str, system: bool, selection: Selection, layout: Layout
) -> None:
    """Who woke whom, how often, and how long those had waited.

    Wake-ups that no goroutine did are told by who did: a timer, the network poller, the runtime.
    --goid and --func select by either side.
    """
    from gtrace_analyze.analyses import wakers
    from gtrace_analyze.render.wakers import show_wakers

    # There may be as many pairs as events. One more than are shown tells that there are more.
    cut = by == "goroutine" and layout.limit > 0 and layout.sort is None
    most = layout.limit + 1 if cut else None
    found = {}
    for trace in common.opened(traces, selection):
        common.require_wakes(trace)
        found[trace.source] = wakers.collect(trace.engine, selection, by, system, most)
    show_wakers(found, layout, counted=not cut)
