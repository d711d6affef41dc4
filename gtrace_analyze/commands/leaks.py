"""gtrace-analyze leaks."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands import common

if TYPE_CHECKING:
    from gtrace_analyze.analyses.leaks import Baseline, LeakGroup
    from gtrace_analyze.render.listing import Layout
    from gtrace_analyze.selection import Selection


@click.command(
    epilog="Examples: gtrace-analyze leaks trace.parquet;  "
    "gtrace-analyze leaks --json trace.parquet | jq '.[].function';  "
    "gtrace-analyze leaks --fail-on-leak --ignore leaks.ignore --baseline main.parquet "
    "trace.parquet"
)
@common.traces
@common.selecting
@common.listing()
@click.option("--all", "include_idle", is_flag=True, help="Also groups that wait for good reason.")
@click.option(
    "--older",
    "older_ns",
    type=common.DURATION,
    default="0s",
    help="Only goroutines that have waited for this long, like 30s; or if they do not wait, lived.",
)
@click.option(
    "--min-count", type=click.IntRange(1), default=1, help="Only groups of this many or more."
)
@click.option(
    "--ignore",
    metavar="FILE",
    help="Leave out what a line of this file matches: a regular expression on the function waited "
    "in, the function that made it, or the place (file:line) of the go statement.",
)
@click.option(
    "--baseline",
    metavar="TRACE",
    help="Only what is new against this recording, or more than there.",
)
@click.option("--fail-on-leak", is_flag=True, help="Exit with 3 if there is a verdict of leak.")
def command(
    traces: tuple[str, ...],
    selection: Selection,
    layout: Layout,
    include_idle: bool,
    older_ns: int,
    min_count: int,
    ignore: str | None,
    baseline: str | None,
    fail_on_leak: bool,
) -> int:
    """Groups of goroutines that will not come back, with the evidence.

    A group waits at the same place, for the same reason, and was made by the same go statement. Its
    verdict is leak, suspect or, with --all, idle. Goroutines that do not wait, but run or are in
    system calls, are a group if they only become more. With --to, the groups at that time.
    """
    from pathlib import Path

    from gtrace_analyze.analyses import leaks
    from gtrace_analyze.render.leaks import show_leaks
    from gtrace_analyze.units import counted

    wanted = leaks.Wanted(
        older_ns=older_ns,
        min_count=min_count,
        ignored=leaks.read_patterns(Path(ignore)) if ignore else (),
    )
    compared = _baseline(baseline) if baseline else None
    found: dict[str, list[LeakGroup]] = {}
    for trace in common.opened(traces, selection):
        groups = leaks.collect(trace.engine, selection, include_idle)
        found[trace.source], ignored = wanted.of(compared.new(groups) if compared else groups)
        if ignored:
            goroutines = counted(sum(group.count for group in ignored), "goroutine")
            common.note(f"{counted(len(ignored), 'group')}, {goroutines}, ignored by {ignore}")
    none = "no waiting goroutines found" if include_idle else "no leaks found"
    # Whoever reads may stop when he has seen enough; the status is for somebody else.
    with contextlib.suppress(BrokenPipeError):
        show_leaks(found, layout, f"{none} beyond those of {baseline}" if baseline else none)
    leaking = any(group.verdict == "leak" for groups in found.values() for group in groups)
    return 3 if fail_on_leak and leaking else 0


def _baseline(path: str) -> Baseline:
    from gtrace_analyze.analyses import leaks

    groups: list[LeakGroup] = []
    for trace in common.opened((path,)):
        groups += leaks.collect(trace.engine, include_idle=True)
    return leaks.Baseline(path, groups)
