"""gtrace-analyze export folded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands.export import _common

if TYPE_CHECKING:
    from gtrace_analyze.selection import Selection


@click.command(
    epilog="Example: gtrace-analyze export folded trace.parquet --measure park | flamegraph.pl "
    "--countname ns > park.svg"
)
@_common.a_file
@click.option(
    "--measure",
    default="park",
    show_default=True,
    help="What to count: parks, park, latency, cpu, syscall, created, goroutine or leak.",
)
def command(trace: str, selection: Selection, output: str | None, measure: str) -> None:
    """Folded stacks, for flamegraph.pl and its kin.

    Times are in ns.
    """
    from gtrace_analyze.export import folded

    _common.to_file(
        trace,
        output,
        lambda engine, out: folded.write(engine, out, selection, measure),
        binary=False,
    )
