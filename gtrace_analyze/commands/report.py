"""gtrace-analyze report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands import common

if TYPE_CHECKING:
    from gtrace_analyze.selection import Selection


@click.command(
    epilog="Examples: gtrace-analyze report trace.parquet -o report.html;  "
    "gtrace-analyze report --from 14:05 --to 14:10 -o incident.html trace.parquet"
)
@click.argument("trace")
@common.between
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    default="report.html",
    show_default=True,
    help="File to write; - is standard output.",
)
def command(trace: str, selection: Selection, output: str) -> None:
    """One HTML page that tells what a recording shows, for those who have neither it nor gtrace.

    Everything is in the file: it loads nothing, runs no script, and can be mailed or kept with a
    ticket. With --from and --to it tells of that span of time alone, as if no more were recorded.
    """
    from gtrace_analyze.analyses import report
    from gtrace_analyze.export._output import STDOUT, stream
    from gtrace_analyze.render.html.report import page

    with common.opened_one(trace) as opened:
        html = page(report.collect(opened.engine, selection), opened.source)
    with stream(output) as out:
        out.write(html.encode())
    if output != STDOUT and not click.get_current_context().find_root().params.get("quiet"):
        click.echo(f"wrote {output}", err=True)
