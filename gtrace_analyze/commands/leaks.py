"""gtrace-analyze leaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands import common

if TYPE_CHECKING:
    from gtrace_analyze.render.listing import Layout
    from gtrace_analyze.selection import Selection


@click.command(
    epilog="Examples: gtrace-analyze leaks trace.parquet;  "
    "gtrace-analyze leaks --json trace.parquet | jq '.[].function'"
)
@common.traces
@common.selecting
@common.listing()
@click.option("--all", "include_idle", is_flag=True, help="Also groups that wait for good reason.")
@click.option("--fail-on-leak", is_flag=True, help="Exit with 3 if there is a verdict of leak.")
def command(
    traces: tuple[str, ...],
    selection: Selection,
    layout: Layout,
    include_idle: bool,
    fail_on_leak: bool,
) -> int:
    """Groups of goroutines that will not come back, with the evidence.

    A group waits at the same place, for the same reason, and was made by the same go statement. Its
    verdict is leak, suspect or, with --all, idle. With --to, the groups that waited at that time.
    """
    from gtrace_analyze.analyses import leaks
    from gtrace_analyze.render.leaks import show_leaks

    found = {
        trace.source: leaks.collect(trace.engine, selection, include_idle)
        for trace in common.opened(traces)
    }
    show_leaks(found, layout)
    leaking = any(group.verdict == "leak" for groups in found.values() for group in groups)
    return 3 if fail_on_leak and leaking else 0
