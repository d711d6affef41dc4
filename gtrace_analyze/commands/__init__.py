"""The command line: one module here is one subcommand, found by its file's name.

A module `leaks.py` holds `command`, whose docstring is its help. Only click is imported at the top
of these modules, everything else inside the function, so that `--help` stays quick.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from gtrace_analyze.commands._examples import lay_out
from gtrace_rec import __version__

__all__ = ["cli", "main"]

_PROGRAM = "gtrace-analyze"
_NOT_COMMANDS = {"common"}
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


class _ReadEnoughError(Exception):
    """Whoever reads standard output does so no more. Click would take it for a failure."""


class _Commands(click.Group):
    """The modules of this package as subcommands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        names = (module.name for module in pkgutil.iter_modules(__path__))
        return sorted(
            name.replace("_", "-")
            for name in names
            if name not in _NOT_COMMANDS and not name.startswith("_")
        )

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"{__name__}.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        command.name = cmd_name
        lay_out(command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _ReadEnoughError from None


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nExample:\n  gtrace-analyze leaks trace.parquet",
)
@click.version_option(__version__, prog_name=_PROGRAM)
@click.option("-q", "--quiet", is_flag=True, help="No notes and no progress on stderr.")
@click.option("-v", "--verbose", is_flag=True, help="With an error, where in the program it arose.")
@click.pass_context
def cli(ctx: click.Context, quiet: bool, verbose: bool) -> None:
    """Find out from a recording of gtrace-rec which goroutines leak, wait and why."""
    ctx.ensure_object(dict)["verbose"] = verbose


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit; the one place that turns errors into messages."""
    sys.exit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    from gtrace_rec._nopandas import without_pandas

    if sys.stdout is None:
        click.echo(f"{_PROGRAM}: standard output is closed; give it a file or /dev/null", err=True)
        return 1
    options: dict[str, bool] = {}
    status: object = 0
    try:
        with without_pandas():
            status = cli.main(arguments, prog_name=_PROGRAM, standalone_mode=False, obj=options)
        sys.stdout.flush()
    except click.ClickException as e:
        e.show()
        return e.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except (BrokenPipeError, _ReadEnoughError):
        _drop_output()
    except Exception as e:
        from gtrace_analyze._errors import GtraceError

        if options.get("verbose"):
            raise
        if isinstance(e, GtraceError):
            click.echo(f"{_PROGRAM}: {e}", err=True)
            return e.exit_code
        if not isinstance(e, OSError) or e.errno not in _FULL or e.filename is not None:
            raise
        _drop_output()
        click.echo(f"{_PROGRAM}: the output cannot be written: {e.strerror}", err=True)
        return 1
    return status if isinstance(status, int) else 0


def _drop_output() -> None:
    """Write what is left elsewhere, lest Python complain once more when it flushes at exit."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
