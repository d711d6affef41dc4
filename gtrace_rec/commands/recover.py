"""`gtrace-rec recover`: complete a recording whose recorder died."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(
    epilog="""\b
Examples:
  gtrace-rec recover trace.parquet
""",
)
@click.argument("trace", type=click.Path(path_type=Path))
def command(trace: Path) -> None:
    """Complete a recording whose recorder was killed, or ran out of disk.

    Turns the streams that were in progress into Parquet, so that any Parquet reader sees all that
    was flushed, and notes in the manifest that the recording was cut. gtrace-analyze reads an
    incomplete recording just as well without this.
    """
    from gtrace_rec.recover import recover

    for line in recover(trace):
        click.echo(f"gtrace-rec: {line}", err=True)
