"""gtrace-analyze docs."""

from __future__ import annotations

import click


@click.command(epilog="Examples: gtrace-analyze docs intervals;  gtrace-analyze docs > views.md")
@click.argument("views", nargs=-1)
@click.option("--inner", is_flag=True, help="Also the staging and intermediate views.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(views: tuple[str, ...], inner: bool, as_json: bool) -> None:
    """The views that `sql` can query, column by column."""
    from gtrace_analyze.analyses import docs
    from gtrace_analyze.render.docs import show_docs

    show_docs(docs.collect(views, inner), as_json)
