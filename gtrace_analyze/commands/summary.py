"""gtrace-analyze summary."""

from __future__ import annotations

import click

from gtrace_analyze.commands import common


@click.command(epilog="Example: gtrace-analyze summary trace.parquet")
@common.traces
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-n", "--limit", type=click.IntRange(1), default=5, help="Rows of each list.")
def command(traces: tuple[str, ...], as_json: bool, limit: int) -> None:
    """What was recorded, how trustworthy it is, and what stands out."""
    from gtrace_analyze.analyses import summary
    from gtrace_analyze.render.summary import show_summaries

    found = {
        trace.source: summary.collect(trace.engine, limit)
        for trace in common.opened(traces, notes=False, empty=True)
    }
    show_summaries(found, as_json)
