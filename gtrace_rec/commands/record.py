"""`gtrace-rec`: record a Go program."""

from __future__ import annotations

import dataclasses

import click

from gtrace_rec import signals
from gtrace_rec.commands.configuration import settings_of, settings_options, show_config


@click.command(
    epilog="""\b
Examples:
  gtrace-rec --out trace.parquet --pid 4242 --duration 60s
  gtrace-rec --out trace.parquet -- ./server --flag
  gtrace-rec --out trace.parquet --exe /usr/bin/server
  gtrace-rec --out trace.parquet --plan park --pid 4242
  gtrace-rec -o trace.parquet --plan snapshot --snapshot-interval 1s -p 4242
  gtrace-rec --config /etc/gtrace/server.yaml --print-config
""",
)
@settings_options
@click.pass_context
def command(ctx: click.Context, /, print_config: bool, **_: object) -> int:
    """Record every goroutine of a Go program to a directory of Parquet files.

    The program is a running process (--pid) or one to start (after --). It is never stopped, and
    nothing is written into its memory.
    """
    if print_config:
        show_config(ctx)
        return 0
    settings = settings_of(ctx)
    if settings.command:
        signals.hold_all()
    else:
        signals.hold()
    from gtrace_rec.session import record_launched, record_processes
    from gtrace_rec.target import only_go_process

    if settings.command:
        return record_launched(settings)
    if not settings.pid and not settings.exe:
        settings = dataclasses.replace(settings, pid=(only_go_process(),))
    return record_processes(settings)
