"""The reference of both programs' commands, as Markdown and as man pages, from the commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click

import gtrace_analyze.commands
import gtrace_rec.commands
from gtrace_rec import __version__
from gtrace_rec._errors import GtraceError

PROGRAMS = {"gtrace-rec": gtrace_rec.commands.cli, "gtrace-analyze": gtrace_analyze.commands.cli}
_WIDTH = 80


def commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Both programs, their commands and those below, each by its whole name: "gtrace-rec ps"."""
    for program, group in PROGRAMS.items():
        yield from _below(program, group, _context(group, program, None))


def _below(
    name: str, command: click.Command, context: click.Context
) -> Iterator[tuple[str, click.Command, click.Context]]:
    yield name, command, context
    if isinstance(command, click.Group):
        for other in command.list_commands(context):
            found = command.get_command(context, other)
            assert found is not None
            yield from _below(f"{name} {other}", found, _context(found, other, context))


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    return click.Context(
        command,
        info_name=name,
        parent=parent,
        terminal_width=_WIDTH,
        max_content_width=_WIDTH,
        **{k: v for k, v in command.context_settings.items() if k == "help_option_names"},
    )


def markdown() -> str:
    """All commands, each with what its --help prints."""
    parts = []
    for name, command, context in commands():
        level = "#" * (2 + name.count(" "))
        parts.append(f"{level} {name}\n\n```\n{_help(command, context)}\n```")
    return "\n\n".join(parts)


def _help(command: click.Command, context: click.Context) -> str:
    return "\n".join(line.rstrip() for line in command.get_help(context).strip().splitlines())


def man_pages() -> Iterator[tuple[str, str]]:
    """By file name: a man page in section 1 of each command."""
    for name, command, context in commands():
        page = name.replace(" ", "-")
        yield f"{page}.1", "\n".join(_man_page(page, name, command, context)) + "\n"


def _man_page(
    page: str, name: str, command: click.Command, context: click.Context
) -> Iterator[str]:
    summary, *description = _paragraphs(command.help or "")
    yield f'.TH {page.upper()} 1 "" "gtrace {__version__}" "gtrace"'
    yield f".SH NAME\n{page} \\- {_roff(_first_sentence(summary))}"
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".SH SYNOPSIS\n.B {_roff(name)}\n{_roff(usage)}"
    yield ".SH DESCRIPTION"
    yield from (f".PP\n{_roff(paragraph)}" for paragraph in (summary, *description))
    options = [p for p in command.get_params(context) if isinstance(p, click.Option)]
    yield ".SH OPTIONS"
    for names, text in filter(None, (o.get_help_record(context) for o in options)):
        yield f".TP\n.B {_roff(names)}\n{_roff(text)}"
    if isinstance(command, click.Group):
        yield ".SH COMMANDS"
        for other in command.list_commands(context):
            found = command.get_command(context, other)
            text = _first_sentence(_paragraphs((found.help if found else "") or "")[0])
            yield f".TP\n.B {_roff(other)}\n{_roff(text)}"
    variables = [p for p in command.get_params(context) if isinstance(p, click.Option) and p.envvar]
    if variables:
        yield ".SH ENVIRONMENT\nEach option can be given by a variable, too:"
        for p in variables:
            yield f".TP\n.B {_roff(str(p.envvar))}\nfor {_roff(p.opts[0])}"
    yield f".SH EXAMPLES\n.nf\n{_roff(examples(command))}\n.fi"
    above = name.replace(" ", "-").removesuffix(f"-{context.info_name}")
    others = [above] if " " in name else [p for p in PROGRAMS if p != name]
    yield ".SH SEE ALSO\n" + ",\n".join(f".BR {_roff(other)} (1)" for other in others)


def _paragraphs(text: str) -> list[str]:
    blocks = re.split(r"\n\s*\n", text.replace("\b", "").strip())
    return [" ".join(block.split()) for block in blocks]


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.:;])\s", text)[0].rstrip(".:;")


def examples(command: click.Command) -> str:
    """What --help ends in, one example a line."""
    text = command.epilog or ""
    text = re.sub(r"^\s*Examples?:", "", text.replace("\b", "").strip())
    text = re.sub(r"\s*\\\n\s*", " ", text)  # a line that goes on in the next
    lines = [line.strip() for part in text.split(";  ") for line in part.splitlines()]
    return "\n".join(line for line in lines if line)


def check(line: str) -> None:
    """Parse the commands of a shell's line that are ours, without running them.

    Raises click.ClickException or GtraceError where one would refuse its arguments.
    """
    for words in _commands_of(line):
        if words[0] not in PROGRAMS:
            continue
        try:
            _parse(PROGRAMS[words[0]], words[0], words[1:], None)
        except click.exceptions.Exit:
            pass  # --help and its like
        except GtraceError as e:
            if "No such file" not in str(e):  # a --config, which is read at once
                raise


def _commands_of(line: str) -> Iterator[list[str]]:
    """The commands between pipes and the like, without redirections and sudo."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.wordchars += "$%,:@"
    command: list[str] = []
    for word in lexer:
        if word[0] in "<>":
            next(lexer)
        elif word[0] in "|&;":
            yield command
            command = []
        elif command or word not in ("sudo", "$"):
            command.append(word)
    if command:
        yield command


def _parse(
    command: click.Command, name: str, words: list[str], parent: click.Context | None
) -> None:
    context = command.make_context(name, list(words), parent)
    if isinstance(command, click.Group):
        _, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        if found is not None:
            _parse(found, found.name or "", rest, context)


def _roff(text: str) -> str:
    """Text as it stands, safe from being read as a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = re.sub(r"[^\x00-\x7f]", lambda match: f"\\[u{ord(match[0]):04X}]", text)
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)
