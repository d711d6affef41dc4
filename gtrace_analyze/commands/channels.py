"""gtrace-analyze channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands import common

if TYPE_CHECKING:
    from gtrace_analyze.render.listing import Layout
    from gtrace_analyze.selection import Selection


@click.command(
    epilog="Examples: gtrace-analyze channels trace.parquet;  "
    "gtrace-analyze channels --func main.worker --sort receivers trace.parquet"
)
@common.traces
@common.selecting
@common.listing()
def command(traces: tuple[str, ...], selection: Selection, layout: Layout) -> None:
    """Who sends and receives at which channel, how long they wait, how full it is.

    Only those are seen that had to wait, or woke one that did. LEN/CAP is what the last snapshot
    shows, OPEN counts goroutines that still waited at the end. An address can have been several
    channels, one after the other.
    """
    from gtrace_analyze.analyses import channels
    from gtrace_analyze.render.channels import show_channels

    show_channels(
        {
            trace.source: channels.collect(trace.engine, selection)
            for trace in common.opened(traces, selection)
        },
        layout,
    )
