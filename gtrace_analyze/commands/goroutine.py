"""gtrace-analyze goroutine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands import common

if TYPE_CHECKING:
    from gtrace_analyze.render.listing import Layout


@click.command(epilog="Example: gtrace-analyze goroutine trace.parquet 4711")
@click.argument("trace")
@click.argument("goid", type=int)
@click.option("--pid", type=int, help="The process, where several were recorded.")
@common.telling_moments
@common.listing(limit=20)
def command(trace: str, goid: int, pid: int | None, wall: bool, layout: Layout) -> None:
    """One goroutine's life: who made it, where it waited, who woke it, what it did last."""
    from gtrace_analyze.analyses import goroutine
    from gtrace_analyze.moments import Moments
    from gtrace_analyze.render.goroutine import show_life

    with common.opened_one(trace) as opened:
        most = layout.limit if layout.limit and layout.sort is None else None
        life = goroutine.collect(opened.engine, goid, pid, most)
        show_life(life, layout, Moments.of(opened.engine, wall))
