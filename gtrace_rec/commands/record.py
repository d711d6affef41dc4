"""`gtrace-rec`: record a Go program."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gtrace_rec import signals
from gtrace_rec.commands.common import PLANS, Duration, Size


@click.command(
    epilog="""\b
Examples:
  gtrace-rec --out trace.parquet --pid 4242 --duration 60s
  gtrace-rec --out trace.parquet -- ./server --flag
  gtrace-rec --out trace.parquet --exe /usr/bin/server
  gtrace-rec --out trace.parquet --plan park --pid 4242
""",
)
@click.option(
    "--out", "-o", type=click.Path(path_type=Path), required=True, help="Directory to write."
)
@click.option(
    "--pid", "-p", "pids", type=int, multiple=True, help="Record this running process; repeatable."
)
@click.option(
    "--exe",
    "exes",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Record every process of this binary, those that start later too; repeatable.",
)
@click.option(
    "--duration", "-d", type=Duration(), help="Stop after this long, e.g. 30s. [default: no end]"
)
@click.option(
    "--plan",
    type=click.Choice(PLANS),
    default="sched",
    show_default=True,
    help="How much to record, cheapest first.",
)
@click.option("--force", is_flag=True, help="Replace the recording that is at --out.")
@click.option(
    "--ring-size",
    type=Size(),
    default="64M",
    show_default=True,
    help="Memory between the probes and the recorder: a power of two.",
)
@click.option(
    "--stack-depth",
    type=click.IntRange(1, 127),
    default=64,
    show_default=True,
    help="Frames kept of a stack.",
)
@click.option(
    "--rotate-size",
    type=Size(),
    default="64M",
    show_default=True,
    help="Begin a new part after this many bytes of raw events.",
)
@click.option(
    "--rotate-every",
    type=Duration(),
    default="60s",
    show_default=True,
    help="Begin a new part after this long.",
)
@click.option("--quiet", "-q", is_flag=True, help="No progress; errors only.")
@click.argument("command_line", nargs=-1, type=click.UNPROCESSED, metavar="[-- PROGRAM ARGS...]")
def command(
    out: Path,
    pids: tuple[int, ...],
    exes: tuple[Path, ...],
    duration: int | None,
    plan: str,
    force: bool,
    ring_size: int,
    stack_depth: int,
    rotate_size: int,
    rotate_every: int,
    quiet: bool,
    command_line: tuple[str, ...],
) -> int:
    """Record every goroutine of a Go program to a directory of Parquet files.

    The program is a running process (--pid) or one to start (after --). It is never stopped, and
    nothing is written into its memory.
    """
    if command_line:
        signals.hold_all()
    else:
        signals.hold()
    from gtrace_rec._errors import UsageError
    from gtrace_rec.loader import LoadOptions
    from gtrace_rec.plan import Plan
    from gtrace_rec.recorder import RecordOptions
    from gtrace_rec.session import record_launched, record_processes
    from gtrace_rec.target import only_go_process

    if (pids or exes) and command_line:
        raise UsageError(
            "a process and a program to start at once: give --pid and --exe, or -- PROGRAM"
        )
    if ring_size < 1 << 16 or ring_size & (ring_size - 1):
        raise UsageError(f"--ring-size {ring_size}: must be a power of two of at least 64K")
    options = RecordOptions(
        plan=Plan[plan.upper()],
        load=LoadOptions(ring_bytes=ring_size, stack_depth=stack_depth),
        rotate_bytes=rotate_size,
        rotate_ns=rotate_every,
    )
    show = not quiet and sys.stderr.isatty()
    if command_line:
        return record_launched(
            list(command_line), out, options, duration, force=force, quiet=quiet, progress=show
        )
    return record_processes(
        pids if pids or exes else (only_go_process(),),
        exes,
        out,
        options,
        duration,
        force=force,
        quiet=quiet,
        progress=show,
    )
