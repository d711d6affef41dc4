"""gtrace-analyze export postgres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands.export import _common

if TYPE_CHECKING:
    from gtrace_analyze.selection import Selection


@click.command(
    epilog="Examples: gtrace-analyze export postgres trace.parquet --server "
    "postgresql://me@db/traces;  "
    "psql -c 'SELECT reason, sum(dur) FROM gtrace.intervals GROUP BY 1'"
)
@_common.selecting_one
@click.option(
    "--server",
    metavar="URL",
    default="",
    help="Where to load, as libpq has it.  [default: PGHOST, PGDATABASE and the like]",
)
@click.option(
    "--schema", metavar="NAME", default="gtrace", show_default=True, help="Schema to fill."
)
@_common.recording_name
def command(trace: str, selection: Selection, server: str, schema: str, name: str | None) -> None:
    """A recording into PostgreSQL, by COPY.

    Each part is loaded in one transaction: what was broken off goes on where it was, and what is
    there already is not loaded again. Of a part of a recording, under the same name, its rows
    replace those that are there; --name keeps both.
    """
    with _common.extra("postgres"):
        from gtrace_analyze.export import _servers, postgres
    with _common.open_trace(trace) as engine:
        what = postgres.load(engine, server, schema, name or _servers.name_of(engine), selection)
    _common.wrote(f"schema {schema}", what)
