"""gtrace-analyze park."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands import common

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from gtrace_analyze.render.listing import Layout
    from gtrace_analyze.selection import Selection


_PANELS = 6  # of a picture, unless told otherwise
_MOST_PANELS = 100


@click.command(
    epilog="Examples: gtrace-analyze park --by reason trace.parquet;  "
    "gtrace-analyze park --func 'main\\.' --sort p99_ns --plot park.png trace.parquet"
)
@common.traces
@click.option(
    "--by",
    type=click.Choice(["stack", "function", "reason", "channel"]),
    default="stack",
    show_default=True,
    help="What to group the waits by.",
)
@click.option("--system", is_flag=True, help="The runtime's own goroutines, not the program's.")
@click.option("--histogram", is_flag=True, help="The distributions of the longest, as bars.")
@click.option("--heatmap", type=click.Path(), help="Draw when waits of which length ended.")
@click.option("--plot", type=click.Path(), help="Draw the distributions as PNG, SVG or PDF.")
@common.selecting
@common.listing()
def command(
    traces: tuple[str, ...],
    by: str,
    system: bool,
    histogram: bool,
    heatmap: str | None,
    plot: str | None,
    selection: Selection,
    layout: Layout,
) -> None:
    """How long goroutines waited, for what and where: count, total, quantiles, longest.

    OPEN counts the waits that had not ended when the recording did. P50 and P99 are of the waits
    that ended. KM50 and KM99 estimate them for all waits, with those that are still open, or were
    cut by a loss or a closed recording window, counted as at least that long (Kaplan-Meier); they
    are shown where there are such waits, and "=" where it makes no difference. Waits that were
    under way when the recording began are left out of these two, open or not: of waits met by
    chance, the long ones are too many.

    Where rows by stack would look the same, "←" names the first caller by which they differ.

    A selection takes whole waits that overlap its time. An address can have been several channels,
    one after the other.
    """
    from gtrace_analyze._errors import UsageError
    from gtrace_analyze.analyses import park
    from gtrace_analyze.render.listing import arranged_table
    from gtrace_analyze.render.park import show_histograms, show_park

    if system and (histogram or plot or heatmap):
        raise UsageError("of the runtime's own goroutines there are no distributions")
    found, callers, distributions = {}, {}, {}
    plotted = common.pictures(plot, traces) if plot else {}
    mapped = common.pictures(heatmap, traces) if heatmap else {}
    for trace in common.opened(traces, selection):
        table = park.collect(trace.engine, selection, by, system)
        found[trace.source] = table
        if by == "stack" and layout.form == "text" and not histogram:
            callers[trace.source] = park.callers(trace.engine, table.to_pylist())
        if histogram:
            table = arranged_table(table, layout)
            most = layout.limit or table.num_rows
            distributions[trace.source] = park.histograms(trace.engine, selection, by, most, table)
        if plot:
            drawn, level = table, by
            if by == "channel":  # of which there are no distributions
                drawn, level = park.collect(trace.engine, selection, "stack"), "stack"
            drawn = arranged_table(drawn, layout)
            _plot(trace, plotted[trace.source], selection, level, layout, drawn)
        if heatmap:
            from gtrace_analyze.render.plots import park as plots

            figure = plots.draw_over_time(park.chart(trace.engine, selection), trace.source)
            common.save(figure, mapped[trace.source])
    if histogram:
        show_histograms(distributions, by, layout)
    else:
        show_park(found, by, layout, callers)


def _plot(
    trace: common.Opened,
    target: Path,
    selection: Selection,
    by: str,
    layout: Layout,
    table: pa.Table,
) -> None:
    """Draw the first groups of the table, and say how many there are if it is not all."""
    from gtrace_analyze.analyses import park
    from gtrace_analyze.render.plots import park as plots

    asked = _PANELS if layout.asked is None else layout.asked or table.num_rows
    shown = park.histograms(trace.engine, selection, by, min(asked, _MOST_PANELS), table)
    common.save(plots.draw(shown, trace.source), target)
    if len(shown) < table.num_rows:
        common.note(f"{target} shows {len(shown)} of {table.num_rows:,} groups; -n says how many")
