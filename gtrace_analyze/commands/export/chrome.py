"""gtrace-analyze export chrome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands.export import _common

if TYPE_CHECKING:
    from gtrace_analyze.selection import Selection


@click.command(
    epilog="Example: gtrace-analyze export chrome trace.parquet --from 5s --to 6s -o trace.json"
)
@_common.a_file
def command(trace: str, selection: Selection, output: str | None) -> None:
    """A timeline as JSON, for chrome://tracing and ui.perfetto.dev.

    Goroutines and threads are rows, states are slices, wake-ups and go statements are arrows. A
    large file: choose a part by --from and --to, or export perfetto instead.
    """
    from gtrace_analyze.export import chrome

    _common.to_file(
        trace,
        output,
        lambda engine, out: chrome.write(engine, out, selection),
        binary=False,
        hint="open {} in https://ui.perfetto.dev or chrome://tracing",
    )
