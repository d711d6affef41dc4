"""gtrace-analyze export perfetto."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands.export import _common

if TYPE_CHECKING:
    from gtrace_analyze.selection import Selection


@click.command(epilog="Example: gtrace-analyze export perfetto trace.parquet -o trace.pftrace")
@_common.a_file
def command(trace: str, selection: Selection, output: str | None) -> None:
    """A timeline in Perfetto's own format, for ui.perfetto.dev and trace_processor.

    Each goroutine and each thread is a track. States are slices, with the stack of every wait;
    wake-ups and go statements are flows; goroutines by state are counters.
    """
    from gtrace_analyze.export import perfetto

    _common.to_file(
        trace,
        output,
        lambda engine, out: perfetto.write(engine, out, selection),
        binary=True,
        hint="open {} in https://ui.perfetto.dev",
    )
