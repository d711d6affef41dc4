"""gtrace-analyze export speedscope."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands.export import _common

if TYPE_CHECKING:
    from gtrace_analyze.selection import Selection


@click.command(
    epilog="Example: gtrace-analyze export speedscope trace.parquet -o trace.speedscope.json"
)
@_common.a_file
def command(trace: str, selection: Selection, output: str | None) -> None:
    """A file for speedscope, with one profile per measure.

    The measures are those of `gtrace-analyze export pprof`.
    """
    from gtrace_analyze.export import speedscope

    _common.to_file(
        trace,
        output,
        lambda engine, out: speedscope.write(engine, out, selection),
        binary=False,
        hint="npx speedscope {}",
    )
