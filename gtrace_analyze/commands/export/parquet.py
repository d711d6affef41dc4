"""gtrace-analyze export parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands.export import _common

if TYPE_CHECKING:
    from gtrace_analyze.selection import Selection


@click.command(
    epilog="Examples: gtrace-analyze export parquet trace.parquet -o tables/;  "
    "gtrace-analyze export parquet trace.parquet --table goroutines -o goroutines.parquet"
)
@_common.a_file
@_common.one_table
@_common.force
def command(
    trace: str, selection: Selection, output: str | None, table: str | None, force: bool
) -> None:
    """Tables as Parquet: a directory of files, or one of them.

    These are the analyzer's tables; the recording itself is Parquet already, of events. Times are
    given twice: on the wall clock, and in ns of CLOCK_MONOTONIC as everywhere.
    """
    from gtrace_analyze.export import parquet

    _common.to_tables(trace, selection, output, table, force, parquet.write, parquet.write_all)
