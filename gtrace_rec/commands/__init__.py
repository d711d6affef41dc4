"""The command line of the recorder: one module a subcommand, loaded when it is called."""

from __future__ import annotations

import importlib
import os
import sys

import click
from click.shell_completion import CompletionItem

from gtrace_rec import __version__

_COMMANDS = {
    "record": "Record a Go program (the default: the word may be left out).",
    "ps": "List the Go programs that run.",
    "doctor": "Check whether this machine can record, and this program be recorded.",
    "probes": "List the instructions of a binary that a plan would watch.",
    "recover": "Complete a recording whose recorder died.",
}
_DEFAULT = "record"


class _Commands(click.Group):
    """Loads subcommands lazily; anything that is not one is an argument of `record`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command = importlib.import_module(f"gtrace_rec.commands.{name}").command
        assert isinstance(command, click.Command)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in _COMMANDS and args[0] not in ("--help", "-h", "--version"):
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Where no subcommand stands yet, also what may follow the one that may be left out."""
        found = super().shell_complete(ctx, incomplete)
        default = self.get_command(ctx, _DEFAULT)
        assert default is not None
        with default.make_context(_DEFAULT, [], parent=ctx, resilient_parsing=True) as below:
            return found + default.shell_complete(below, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  gtrace-rec --out trace.parquet --pid 4242 --duration 60s
  gtrace-rec --out trace.parquet -- ./server --flag
  gtrace-rec record --help
""",
)
@click.version_option(__version__, prog_name="gtrace-rec")
def cli() -> None:
    """Record the life of every goroutine of an unmodified, running Go program."""


def main(args: list[str] | None = None) -> None:
    """Run the command line; expected failures become one line and their exit status."""
    from gtrace_rec._errors import GtraceError
    from gtrace_rec._nopandas import without_pandas

    try:
        with without_pandas():
            status = cli.main(args, prog_name="gtrace-rec", standalone_mode=False)
    except click.ClickException as e:
        e.show()
        sys.exit(e.exit_code)
    except click.Abort:
        sys.exit(130)
    except GtraceError as e:
        if os.environ.get("GTRACE_TRACEBACK"):
            raise
        print(f"gtrace-rec: {e}", file=sys.stderr)
        sys.exit(e.exit_code)
    except BrokenPipeError:
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)
