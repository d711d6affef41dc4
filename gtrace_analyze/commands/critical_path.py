"""gtrace-analyze critical-path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands import common

if TYPE_CHECKING:
    from gtrace_analyze.render.listing import Layout


@click.command(
    epilog="Examples: gtrace-analyze critical-path trace.parquet 4711;  "
    "gtrace-analyze critical-path trace.parquet 4711 --at 5.2s --from 5s"
)
@click.argument("trace")
@click.argument("goid", type=int)
@click.option("--at", metavar="TIME", help="The moment to explain; its last unless given.")
@click.option("--from", "start", metavar="TIME", help="How far back; its creation unless given.")
@click.option("--pid", type=int, help="The process, where several were recorded.")
@common.telling_moments
@common.listing(limit=40)
def command(
    trace: str,
    goid: int,
    at: str | None,
    start: str | None,
    pid: int | None,
    wall: bool,
    layout: Layout,
) -> None:
    """What a goroutine's time went to, back through those that woke it.

    Each wait is explained by what its waker did meanwhile (indented below it), and that one's waits
    likewise. It stops at a waker that had already been waiting for something else when the wait to
    be explained began: its wake-up belongs to other work. It goes on where the waker was made for
    this work, or held the lock that was waited for.
    """
    from gtrace_analyze.analyses import critical_path
    from gtrace_analyze.moments import Moments
    from gtrace_analyze.render.critical_path import show_path

    with common.opened_one(trace) as opened:
        common.require_wakes(opened)
        path = critical_path.collect(opened.engine, goid, at, start, pid)
        common.note_syscalls(opened)
        show_path(path, layout, Moments.of(opened.engine, wall))
