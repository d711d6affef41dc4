"""gtrace-analyze export: one module here is one format, found by its file's name."""

from __future__ import annotations

import difflib
import importlib
import pkgutil

import click

from gtrace_analyze.commands._examples import lay_out

__all__ = ["command"]


class _Formats(click.Group):
    """The modules of this package as subcommands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        names = (module.name for module in pkgutil.iter_modules(__path__))
        return sorted(name for name in names if not name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        found: click.Command = importlib.import_module(f"{__name__}.{cmd_name}").command
        found.name = cmd_name
        lay_out(found)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None:
            formats = self.list_commands(ctx)
            near = " or ".join(map(repr, difflib.get_close_matches(args[0], formats)))
            meant = f"did you mean {near}? " if near else ""
            ctx.fail(f"{args[0]!r} is no format; {meant}formats are {', '.join(formats)}")
        return super().resolve_command(ctx, args)


@click.command(
    cls=_Formats,
    subcommand_metavar="FORMAT TRACE [OPTIONS]",
    epilog="Example: gtrace-analyze export pprof trace.parquet -o trace.pb.gz",
)
def command() -> None:
    """Write a recording in the format of another tool.

    Each format has its own options: gtrace-analyze export FORMAT --help.
    """
