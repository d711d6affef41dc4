"""gtrace-analyze export duckdb."""

from __future__ import annotations

import click

from gtrace_analyze.commands.export import _common


@click.command(
    epilog="Examples: gtrace-analyze export duckdb trace.parquet -o trace.duckdb;  "
    "duckdb trace.duckdb 'SELECT * FROM park_stats'"
)
@click.argument("trace")
@click.option("-o", "--output", metavar="FILE", required=True, help="File to write.")
def command(trace: str, output: str) -> None:
    """A DuckDB file with the whole recording and all documented views.

    It needs neither gtrace nor the recording, only DuckDB.
    """
    from gtrace_analyze.export import _output, duckdb

    with _common.open_trace(trace) as engine, _output.new_file(output) as file:
        what = duckdb.write(engine, file)
    _common.wrote(output, what, "duckdb {}")
