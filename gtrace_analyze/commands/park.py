"""gtrace-analyze park."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands import common

if TYPE_CHECKING:
    from gtrace_analyze.render.listing import Layout
    from gtrace_analyze.selection import Selection


@click.command(
    epilog="Examples: gtrace-analyze park --by reason trace.parquet;  "
    "gtrace-analyze park --func 'main\\.' --sort p99_ns --plot park.png trace.parquet"
)
@common.traces
@click.option(
    "--by",
    type=click.Choice(["stack", "function", "reason"]),
    default="stack",
    show_default=True,
    help="What to group the waits by.",
)
@click.option("--system", is_flag=True, help="The runtime's own goroutines, not the program's.")
@click.option("--plot", type=click.Path(), help="Draw the distributions as PNG, SVG or PDF.")
@common.selecting
@common.listing()
def command(
    traces: tuple[str, ...],
    by: str,
    system: bool,
    plot: str | None,
    selection: Selection,
    layout: Layout,
) -> None:
    """How long goroutines waited, for what and where: count, total, quantiles, longest.

    OPEN counts the waits that had not ended when the recording did; they are in no other column.
    A selection takes whole waits that overlap its time.
    """
    from gtrace_analyze.analyses import park
    from gtrace_analyze.render.park import show_park

    found = {}
    for trace in common.opened(traces):
        found[trace.source] = park.collect(trace.engine, selection, by, system)
        if plot:
            from gtrace_analyze.render.plots import park as plots

            target = common.picture(plot, trace, len(traces))
            histograms = park.histograms(trace.engine, selection, by)
            common.save(plots.draw(histograms, trace.source), target)
    show_park(found, by, layout)
