"""gtrace-analyze sql."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands import common

if TYPE_CHECKING:
    from gtrace_analyze.render.listing import Layout


@click.command(
    epilog='Examples: gtrace-analyze sql trace.parquet "SELECT state, count(*) FROM intervals '
    'GROUP BY state";  gtrace-analyze sql trace.parquet < query.sql;  gtrace-analyze docs intervals'
)
@click.argument("trace")
@click.argument("query", required=False)
@common.listing(limit=0)
def command(trace: str, query: str | None, layout: Layout) -> None:
    """Run DuckDB SQL over the recording's views; nothing can be changed, no other file be read.

    Without a query, it is read from stdin; at a terminal, that is a prompt.
    """
    from gtrace_analyze.render.rows import show_rows

    with common.opened_one(trace, empty=True) as opened:
        if query is None and sys.stdin and sys.stdin.isatty():
            from gtrace_analyze.commands._prompt import run

            run(opened.engine, layout)
        else:
            text = _read() if query is None else query
            show_rows(opened.engine.query(text), layout)


def _read() -> str:
    """The query on standard input."""
    from gtrace_analyze._errors import UsageError

    if sys.stdin is None:
        raise UsageError("no query given, and standard input is closed")
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as e:
        raise UsageError(f"the query is no UTF-8 from byte {e.start + 1} on") from None
