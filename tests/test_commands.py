"""Help, man pages, the reference and completion of both programs, all from the commands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tools import command_docs, generate_docs

COMMANDS = [pytest.param(*entry, id=entry[0]) for entry in command_docs.commands()]


@pytest.mark.parametrize(("name", "command", "context"), COMMANDS)
def test_help_ends_in_examples(name: str, command: click.Command, context: click.Context) -> None:
    text = command.get_help(context)
    last = re.split(r"\n\s*\n", text.strip())[-1]
    assert re.match(r"\s*Examples?:", last), text
    examples = command_docs.examples(command).splitlines()
    assert examples
    program = name.split()[0]
    assert program in examples[0], examples  # then, what another tool makes of its output


@pytest.mark.parametrize(("name", "command", "context"), COMMANDS)
def test_the_examples_parse(name: str, command: click.Command, context: click.Context) -> None:
    for line in command_docs.examples(command).splitlines():
        command_docs.check(line)


@pytest.mark.parametrize(
    "line",
    [
        "gtrace-analyze leaks --no-such-option trace.parquet",
        "gtrace-analyze nonsense trace.parquet",
        "gtrace-rec ps --jsn | head",
        "cat x | sudo gtrace-analyze export pprof",
    ],
)
def test_an_example_that_does_not_parse_is_found(line: str) -> None:
    with pytest.raises(click.ClickException):
        command_docs.check(line)


@pytest.mark.parametrize(("name", "command", "context"), COMMANDS)
def test_examples_can_be_copied_from_help(
    name: str, command: click.Command, context: click.Context
) -> None:
    text = re.split(r"\n\s*\n", command.get_help(context).strip())[-1]
    lines = re.sub(r"\s*\\\n\s*", " ", text).splitlines()
    assert [line.strip() for line in lines[1:]] == command_docs.examples(command).splitlines()


@pytest.mark.parametrize(("name", "command", "context"), COMMANDS)
def test_help_fits_80_columns(name: str, command: click.Command, context: click.Context) -> None:
    assert [x for x in command.get_help(context).splitlines() if len(x) > 80] == []


@pytest.mark.parametrize(("name", "command", "context"), COMMANDS)
def test_every_option_says_what_it_does(
    name: str, command: click.Command, context: click.Context
) -> None:
    options = [p for p in command.params if isinstance(p, click.Option)]
    assert [p.name for p in options if not p.help] == []


def test_generated_documents_are_current() -> None:
    stale = [
        path.name
        for path, text in generate_docs.documents()
        if not path.exists() or path.read_text() != text
    ]
    assert not stale, f"{stale}: run make docs"


def test_no_man_page_is_left_of_a_command_that_is_gone() -> None:
    expected = {name for name, _ in command_docs.man_pages()}
    assert {p.name for p in (generate_docs.DOCS / "man").iterdir()} == expected


@pytest.mark.skipif(not shutil.which("groff"), reason="apt-get install groff")
@pytest.mark.parametrize("page", [name for name, _ in command_docs.man_pages()])
def test_man_pages_are_good_roff(page: str) -> None:
    path = generate_docs.DOCS / "man" / page
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-P-cbou", path], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "EXAMPLES" in done.stdout


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory, repo: Path) -> Path:
    """A directory with both programs as commands."""
    folder = tmp_path_factory.mktemp("bin")
    for name, module in (("gtrace-rec", "gtrace_rec"), ("gtrace-analyze", "gtrace_analyze")):
        script = folder / name
        script.write_text(f'#!/bin/sh\nPYTHONPATH={repo} exec {sys.executable} -m {module} "$@"\n')
        script.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("line", "completions"),
    [
        ("gtrace-rec d", {"doctor"}),
        ("gtrace-rec --stack", {"--stack-depth"}),
        ("gtrace-rec --out x --pl", {"--plan"}),
        ("gtrace-rec --out x --plan s", {"snapshot", "sched"}),
        ("gtrace-rec record --rotate-", {"--rotate-size", "--rotate-every"}),
        ("gtrace-rec ps --j", {"--json"}),
        ("gtrace-analyze lea", {"leaks"}),
        ("gtrace-analyze leaks --fail", {"--fail-on-leak"}),
    ],
)
def test_bash_completes(programs: Path, line: str, completions: set[str]) -> None:
    words = line.split(" ")
    function = f"_{words[0].replace('-', '_')}_completion"
    variable = f"_{words[0].replace('-', '_').upper()}_COMPLETE"
    script = (
        f'eval "$({variable}=bash_source {words[0]})"\n'
        f"COMP_WORDS=({' '.join(words)}) COMP_CWORD={len(words) - 1}\n"
        f'{function} {words[0]}\nprintf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    env = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True)
    assert set(done.stdout.split()) == completions, done.stderr
