"""gtrace-analyze health."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands import common

if TYPE_CHECKING:
    from gtrace_analyze.render.listing import Layout


@click.command(epilog="Example: gtrace-analyze health trace.parquet")
@common.traces
@common.listing(limit=0)
def command(traces: tuple[str, ...], layout: Layout) -> None:
    """How far a recording can be believed: losses, gaps, contradictions, what was not watched."""
    from gtrace_analyze.analyses import health
    from gtrace_analyze.render.health import show_health

    found = {
        trace.source: health.collect(trace.engine)
        for trace in common.opened(traces, notes=False, empty=True)
    }
    show_health(found, layout)
