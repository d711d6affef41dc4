"""gtrace-analyze export clickhouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands.export import _common

if TYPE_CHECKING:
    from gtrace_analyze.selection import Selection


@click.command(
    epilog="Examples: gtrace-analyze export clickhouse trace.parquet --server "
    "http://default@localhost:8123;  "
    "gtrace-analyze export clickhouse trace.parquet -o ch/ && cd ch && "
    "clickhouse-client --queries-file schema.sql load.sql"
)
@_common.selecting_one
@click.option(
    "--server",
    metavar="URL",
    envvar="GTRACE_CLICKHOUSE",
    help="Load into this server, unless -o is given.",
)
@_common.output("DIRECTORY", "Write schema.sql, Parquet files and load.sql instead.")
@click.option(
    "--database", metavar="NAME", default="gtrace", show_default=True, help="Database to fill."
)
@_common.recording_name
@click.option(
    "--ttl",
    metavar="DAYS",
    type=click.IntRange(0),
    default=30,
    show_default=True,
    help="Drop a recording so long after it was loaded; 0: never. Counts for new tables.",
)
@_common.force
def command(
    trace: str,
    selection: Selection,
    server: str | None,
    output: str | None,
    database: str,
    name: str | None,
    ttl: int,
    force: bool,
) -> None:
    """A recording into ClickHouse: tables, and views with the analyzer's numbers.

    A recording that is there already, by its name, is replaced. The views leaks, park_stats and
    latency_stats say what leaks, park and latency do, of what was loaded.
    """
    from gtrace_analyze.export import _output, _servers, clickhouse

    if output is not None:
        with (
            _common.open_trace(trace) as engine,
            _output.new_directory(output, force) as directory,
        ):
            called = name or _servers.name_of(engine)
            what = clickhouse.write_all(engine, directory, database, called, ttl, selection)
        _common.wrote(output, what, "(cd {}; clickhouse-client --queries-file schema.sql load.sql)")
        return
    if server is None:
        raise click.UsageError("give --server URL, or -o DIRECTORY for files to load")
    with _common.extra("clickhouse"):
        import clickhouse_connect  # noqa: F401
    with _common.open_trace(trace) as engine:
        called = name or _servers.name_of(engine)
        what = clickhouse.load(engine, server, database, called, ttl, selection)
    _common.wrote(f"database {database}", what)
