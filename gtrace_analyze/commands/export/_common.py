"""What the formats' commands share."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gtrace_analyze.commands import common

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from gtrace_analyze.engine import Engine
    from gtrace_analyze.selection import Selection

__all__ = [
    "a_file",
    "duration",
    "extra",
    "force",
    "one_table",
    "open_trace",
    "output",
    "pairs",
    "recording_name",
    "selecting_one",
    "to_file",
    "to_tables",
    "wrote",
]

_F = TypeVar("_F", bound=Callable[..., Any])
Writer = Callable[["Engine", "BinaryIO"], str]

force = click.option("--force", is_flag=True, help="Replace what is there.")

recording_name = click.option(
    "--name",
    metavar="NAME",
    help="Call the recording so there.  [default: host/start/recorder's pid]",
)

one_table = click.option("--table", metavar="NAME", help="Only this table, to a file.")


def output(metavar: str, text: str) -> Callable[[_F], _F]:
    """Give a command `output`, where to write."""
    return click.option("-o", "--output", metavar=metavar, help=text)


def selecting_one(command: _F) -> _F:
    """Give a command `trace`, the one recording it is about, and `selection`."""
    return click.argument("trace")(common.selecting(command))


def a_file(command: _F) -> _F:
    """Give a command `trace`, `selection` and `output`, a file or standard output."""
    text = "File to write; - is standard output, which is the default if it is no terminal."
    return selecting_one(output("FILE", text)(command))


def duration(text: str, option: str) -> int:
    """Nanoseconds of what was given to an option."""
    from gtrace_analyze.units import parse_duration

    found = parse_duration(text)
    if not found or found < 0:
        raise click.UsageError(f"{option} {text}: is no duration; write 500ms, 15s or 30d")
    return found


def pairs(given: tuple[str, ...], option: str, name: str) -> dict[str, str]:
    """What was given as NAME=VALUE; a name is what the regular expression `name` matches."""
    found = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not re.fullmatch(name, key, re.ASCII):
            raise click.UsageError(f"{option} {text}: is not NAME=VALUE")
        found[key] = value
    return found


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Say how to install what this format needs where the imports within fail."""
    try:
        yield
    except ModuleNotFoundError as e:
        if (e.name or "").startswith("gtrace"):
            raise
        raise click.ClickException(
            f"this format needs the Python package {e.name}: pip install 'gtrace[{name}]'"
        ) from None


@contextmanager
def open_trace(trace: str) -> Iterator[Engine]:
    """The recording of this name, its notes told."""
    from gtrace_analyze.recording import expand

    paths = expand((trace,))
    if len(paths) > 1:
        raise click.UsageError(f"{trace} are {len(paths)} recordings; export them one by one")
    for opened in common.opened((str(paths[0]),)):
        yield opened.engine


def to_file(
    trace: str, target: str | None, write: Writer, binary: bool, hint: str | None = None
) -> None:
    """Open the recording and have `write` write it; `hint` is a command to type next."""
    from gtrace_analyze.export import _output

    if target is None:
        if binary and sys.stdout.isatty():
            raise click.UsageError(
                "this format is not for a terminal: give -o FILE, or -o - anyway"
            )
        target = _output.STDOUT
    with open_trace(trace) as engine, _output.stream(target) as out:
        what = write(engine, out)
    wrote(target, what, hint)


def to_tables(
    trace: str,
    selection: Selection,
    target: str | None,
    table: str | None,
    force: bool,
    write: Callable[[Engine, BinaryIO, Selection, str], str],
    write_all: Callable[[Engine, Path, Selection], str],
) -> None:
    """Write one table to a file or standard output, or all of them to a directory."""
    from gtrace_analyze.export import _output

    if table is not None:
        one = table
        to_file(trace, target, lambda engine, out: write(engine, out, selection, one), True)
        return
    if target is None:
        raise click.UsageError("give -o DIRECTORY, or choose one --table")
    with open_trace(trace) as engine, _output.new_directory(target, force) as directory:
        what = write_all(engine, directory, selection)
    wrote(target, what)


def wrote(target: str, what: str, hint: str | None = None) -> None:
    """Say what was done, on stderr."""
    if click.get_current_context().find_root().params.get("quiet"):
        return
    where = "standard output" if target == "-" else target
    click.echo(f"wrote {what} to {where}", err=True)
    if hint and target != "-":
        click.echo(f"next: {hint.format(target)}", err=True)
