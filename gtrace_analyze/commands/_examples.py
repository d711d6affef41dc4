"""The examples that --help ends in, each in lines of its own, so that they can be copied."""

from __future__ import annotations

import textwrap

import click

__all__ = ["lay_out"]

_WIDTH = 76


def lay_out(command: click.Command) -> None:
    """Put the examples of a command below each other: there, they are apart by semicolons.

    What is longer than a line goes on in the next, as a shell reads it.
    """
    title, colon, text = (command.epilog or "").partition(": ")
    if not colon or title not in ("Example", "Examples"):
        return
    lines = [f"  {line}" for example in text.split(";  ") for line in _lines(example.strip())]
    command.epilog = "\n".join(["\b", f"{title}:", *lines])


def _lines(example: str) -> list[str]:
    lines = textwrap.wrap(
        example, _WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    return [*(f"{line} \\" for line in lines[:-1]), *lines[-1:]]
