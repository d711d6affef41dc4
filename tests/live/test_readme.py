"""The README is true: its session is run, and says what the README says it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import toolchains
from live.recording import ENV, ROOT
from live.services import free_address

pytestmark = [pytest.mark.live, pytest.mark.go, pytest.mark.slow]

README = (ROOT / "README.md").read_text()
FENCES = re.findall(r"^```(\w+)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def _console() -> list[tuple[str, str]]:
    """The commands of the README's sessions, each with the output shown under it."""
    found = []
    for language, text in FENCES:
        if language == "console":
            for entry in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, _, output = entry.partition("\n")
                found.append((command, output))
    return found


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str], str]:
    """The demo, run: the directory it ran in, the environment, and what it printed."""
    home = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "examples", home / "examples")
    commands = home / "bin"
    commands.mkdir()
    for name in ("gtrace-rec", "gtrace-analyze"):
        script = commands / name
        module = name.replace("-", "_")
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n')
        script.chmod(0o755)
    env = {**ENV, "PATH": f"{commands}:{os.environ['PATH']}"}
    go = toolchains.toolchain(toolchains.NEWEST)
    done = subprocess.run(
        [home / "examples" / "demo.sh", commands, go, free_address()],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    return home, env, done.stdout


def _bare(text: str) -> str:
    """What stays the same from one recording to the next: words, and how many leak."""
    text = re.sub(r"(\d+) ×", lambda m: f"{m[1].translate(_SPELT)} ×", text)
    text = re.sub(r"\d[\d,.]*(ns|µs|ms|s|m\d+s| [KMG]?B)?\b", "#", text)
    return " ".join(text.split())


_SPELT = str.maketrans("0123456789", "abcdefghij")


def test_the_demo_s_recording_is_the_one_shown(
    session: tuple[Path, dict[str, str], str],
) -> None:
    home, _, printed = session
    command, output = _console()[0]
    assert command.startswith("sudo gtrace-rec --out demo/trace.parquet -- demo/leaky ")
    for line in output.splitlines():
        assert _bare(line) in _bare(printed), line
    assert ", 0 lost," in printed
    for picture in ("timeline.png", "park.png"):
        assert (home / "demo" / picture).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("command", "output"), _console()[1:])
def test_a_command_of_the_session_says_what_is_shown(
    session: tuple[Path, dict[str, str], str], command: str, output: str
) -> None:
    home, env, _ = session
    done = subprocess.run(
        ["bash", "-c", command], cwd=home, env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    rest = _bare(done.stdout)
    for piece in map(_bare, output.split("…")):  # the dots stand for what is left out
        assert piece in rest, f"{piece!r} is not in what follows: {rest!r}"
        rest = rest[rest.index(piece) + len(piece) :]


def test_the_python_examples_run(session: tuple[Path, dict[str, str], str]) -> None:
    home, env, _ = session
    programs = [text for language, text in FENCES if language == "python"]
    assert programs
    for program in programs:
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=home, env=env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert "main.followStock" in done.stdout


def test_every_make_target_exists() -> None:
    for target in re.findall(r"`?make (\w+)`?", README):
        done = subprocess.run(
            ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, f"make {target}: {done.stderr}"


def test_every_file_it_links_to_exists() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    missing = [link for link in links if not (ROOT / link).exists()]
    assert missing == []
