"""gtrace-analyze cpu."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands import common

if TYPE_CHECKING:
    from gtrace_analyze.render.listing import Layout
    from gtrace_analyze.selection import Selection


@click.command(
    epilog="Examples: gtrace-analyze cpu trace.parquet;  "
    "gtrace-analyze cpu --by goroutine --func 'main\\.' --from 5s --to 6s trace.parquet"
)
@common.traces
@click.option(
    "--by",
    type=click.Choice(["site", "function", "goroutine"]),
    default="site",
    show_default=True,
    help="What to group by: the go statement, the start function, each goroutine alone.",
)
@click.option("--system", is_flag=True, help="The runtime's own goroutines, not the program's.")
@common.selecting
@common.listing()
def command(
    traces: tuple[str, ...], by: str, system: bool, selection: Selection, layout: Layout
) -> None:
    """Which goroutines were running, and for how long, at most.

    CPU is RUNNING as a share of one processor during the time. --func is about start function and
    creator; a period that reaches out of --from and --to is cut there.

    It is what a goroutine used at most: the Go scheduler does not know when the kernel takes the
    processor from a thread, and only plan full tells time in system calls from time running.
    UNCERTAIN is time in which one may have run or not: events were lost, or a snapshot found it in
    a system call.
    """
    from gtrace_analyze.analyses import cpu
    from gtrace_analyze.render.cpu import show_cpu

    # One more than are shown tells that there are more.
    cut = by == "goroutine" and layout.limit > 0 and layout.sort is None
    most = layout.limit + 1 if cut else None
    found = {}
    for trace in common.opened(traces, selection):
        common.require_runs(trace)
        found[trace.source] = cpu.collect(trace.engine, selection, by, system, most)
        common.note_syscalls(trace)
    show_cpu(found, by, layout, counted=not cut)
