"""gtrace-analyze export pprof."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands.export import _common

if TYPE_CHECKING:
    from gtrace_analyze.selection import Selection


@click.command(
    epilog="Examples: gtrace-analyze export pprof trace.parquet -o trace.pb.gz;  "
    "go tool pprof -sample_index=leak -top trace.pb.gz;  "
    "go tool pprof -http=: -base old.pb.gz trace.pb.gz"
)
@_common.a_file
@click.option("--by-goid", is_flag=True, help="Label samples with their goroutine; a larger file.")
def command(trace: str, selection: Selection, output: str | None, by_goid: bool) -> None:
    """A profile for go tool pprof.

    Its sample types, as far as the recording's plan can tell: parks and park (waits and time
    waiting), latency (time runnable but not running), cpu, syscall, created, goroutine (alive at
    the end) and leak. Labels: reason, created_by, state, verdict, the program's own pprof labels,
    and certain=no where events were lost.
    """
    from gtrace_analyze.export import pprof

    _common.to_file(
        trace,
        output,
        lambda engine, out: pprof.write(engine, out, selection, by_goid),
        binary=True,
        hint="go tool pprof -http=: {}",
    )
