"""gtrace-analyze timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands import common

if TYPE_CHECKING:
    from gtrace_analyze.render.listing import Layout
    from gtrace_analyze.selection import Selection


@click.command(
    epilog="Examples: gtrace-analyze timeline trace.parquet --out timeline.png;  "
    "gtrace-analyze timeline trace.parquet --func main.worker --from 5s --to 5.2s"
)
@common.traces
@click.option("--out", type=click.Path(), help="Draw it as PNG, SVG or PDF instead.")
@common.selecting
@common.telling_moments
@common.listing(limit=32)
def command(
    traces: tuple[str, ...], out: str | None, selection: Selection, wall: bool, layout: Layout
) -> None:
    """What goroutines did over time, and how many were alive.

    Shows a few goroutines of each go statement, those that lived longest, unless --goid or --func
    says which; -n is how many at most.
    """
    from gtrace_analyze._errors import UsageError
    from gtrace_analyze.analyses import timeline
    from gtrace_analyze.moments import Moments
    from gtrace_analyze.render import timeline as text

    if layout.sort and (out or layout.form == "text"):
        raise UsageError("--sort is for --json and --csv: a chart has its order")
    if wall and out:
        raise UsageError("--wall is for text, --json and --csv: a picture says when it starts")
    most = layout.limit or 10**6
    charts, moments = {}, {}
    targets = common.pictures(out, traces) if out else {}
    for trace in common.opened(traces, selection):
        if out:
            from gtrace_analyze.render.plots import timeline as plots

            chart = timeline.collect(trace.engine, selection, most)
            common.save(plots.draw(chart, trace.source), targets[trace.source])
        else:
            chart = timeline.collect(trace.engine, selection, most, text.cells(layout.form))
            charts[trace.source], moments[trace.source] = chart, Moments.of(trace.engine, wall)
        if (shown := len(chart.lanes)) < min(most, chart.count):
            common.note(f"{trace.source}: {shown:,} goroutines of {chart.count:,}, as many as fit")
    if not out:
        text.show_timelines(charts, layout, moments)
