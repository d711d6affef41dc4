"""gtrace-analyze latency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands import common

if TYPE_CHECKING:
    from gtrace_analyze.render.listing import Layout
    from gtrace_analyze.selection import Selection


_ALL = 2**62


@click.command(
    epilog="Examples: gtrace-analyze latency trace.parquet;  "
    "gtrace-analyze latency --worst --from 5s --to 6s trace.parquet;  "
    "gtrace-analyze latency --by cause --plot latency.png trace.parquet"
)
@common.traces
@click.option(
    "--by",
    type=click.Choice(["site", "function", "cause", "all"]),
    help="What to group by: the go statement, the start function, why it was runnable.  "
    "[default: site]",
)
@click.option(
    "--worst",
    is_flag=True,
    help="The longest of all, and what ran instead; * marks what ran on its thread.",
)
@click.option("--over-time", is_flag=True, help="In hundredths of the time.")
@click.option("--system", is_flag=True, help="The runtime's own goroutines, not the program's.")
@click.option("--plot", type=click.Path(), help="Draw it over time as PNG, SVG or PDF.")
@common.selecting
@common.telling_moments
@common.listing()
def command(
    traces: tuple[str, ...],
    by: str | None,
    worst: bool,
    over_time: bool,
    system: bool,
    plot: str | None,
    selection: Selection,
    wall: bool,
    layout: Layout,
) -> None:
    """How long goroutines that could run waited for a processor.

    The time from runnable to running, by go statement. OPEN counts goroutines that were still
    waiting at the end; they are in no other column. --func is about start function and creator.

    Without probes on system calls (plan full), one that "ran instead" may have been in a system
    call, which keeps no other goroutine from running.
    """
    from gtrace_analyze._errors import UsageError
    from gtrace_analyze.analyses import latency
    from gtrace_analyze.moments import Moments
    from gtrace_analyze.render import latency as text

    if worst and over_time:
        raise UsageError("--worst and --over-time exclude each other")
    if by and (worst or over_time):
        raise UsageError("--by is for neither --worst nor --over-time")
    if system and (worst or plot):
        raise UsageError("--worst and --plot are of the program's goroutines, not of --system")
    if wall and plot:
        raise UsageError("--wall is not for --plot: a picture says when it starts")
    everything = layout.sort is not None or not layout.limit
    most = _ALL if everything else layout.limit
    found, moments = {}, {}
    targets = common.pictures(plot, traces) if plot else {}
    for trace in common.opened(traces, selection):
        common.require_runs(trace)
        moments[trace.source] = Moments.of(trace.engine, wall)
        if worst:
            found[trace.source] = latency.worst(trace.engine, selection, most)
        elif over_time:
            found[trace.source] = latency.over_time(trace.engine, selection, system)
        else:
            found[trace.source] = latency.collect(trace.engine, selection, by or "site", system)
        if plot:
            from gtrace_analyze.render.plots import latency as plots

            figure = plots.draw(latency.chart(trace.engine, selection), trace.source)
            common.save(figure, targets[trace.source])
    if worst:
        text.show_worst(found, moments, layout, counted=everything)
    elif over_time:
        text.show_over_time(found, moments, layout)
    else:
        text.show_latency(found, layout)
