"""gtrace-analyze export csv."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands.export import _common

if TYPE_CHECKING:
    from gtrace_analyze.selection import Selection


@click.command(
    epilog="Examples: gtrace-analyze export csv trace.parquet -o tables/;  "
    "gtrace-analyze export csv trace.parquet --table goroutines -o goroutines.csv"
)
@_common.a_file
@_common.one_table
@_common.force
def command(
    trace: str, selection: Selection, output: str | None, table: str | None, force: bool
) -> None:
    """Tables as CSV: a directory of files, or one of them.

    Times are given twice: on the wall clock, and in ns of CLOCK_MONOTONIC as everywhere. Empty
    fields are unknown. Lists and maps are JSON.
    """
    from gtrace_analyze.export import csv

    _common.to_tables(trace, selection, output, table, force, csv.write, csv.write_all)
