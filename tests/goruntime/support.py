"""What these tests share: programs, and Go's own tools to read them with."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

import toolchains
from gtrace_rec.goruntime import GoBinary, open_binary

SHAPES = Path(__file__).parent / "programs" / "shapes"
UNSTRIPPED = [mode for mode in toolchains.MODES if "stripped" not in mode]
NATIVE = [mode for mode in toolchains.MODES if "arm64" not in mode]
VERSIONS = pytest.mark.parametrize("version", toolchains.TOOLCHAINS)

_RARE = ("cgo-pie-stripped", "arm64-pie")  # each takes a standard library compiled for it alone

_CALL = re.compile(r"\s+\S+:\d+\s+0x([0-9a-f]+)\s+[0-9a-f]+\s+(?:CALL|BL) ([^(]\S*)\(SB\)")


def builds(modes: Iterable[str]) -> pytest.MarkDecorator:
    """A test of every Go and each of these modes; of what is rare, of the oldest and newest Go."""
    oldest, newest = toolchains.TOOLCHAINS[0], toolchains.NEWEST
    chosen = [
        (version, mode)
        for version in toolchains.TOOLCHAINS
        for mode in modes
        if mode not in _RARE or version in (oldest, newest)
    ]
    return pytest.mark.parametrize(("version", "mode"), chosen)


@cache
def shapes(version: str, mode: str) -> GoBinary:
    """The program `shapes`, built by Go `version` and opened."""
    return open_binary(toolchains.build(version, SHAPES, mode))


def go_tool(*command: str | Path, stdin: str = "") -> str:
    """What `go tool ...` of the newest toolchain prints."""
    go = toolchains.toolchain(toolchains.NEWEST)
    env = toolchains.go_env(toolchains.Mode())
    done = subprocess.run(
        [go, "tool", *command], env=env, input=stdin, capture_output=True, text=True, check=True
    )
    return done.stdout


@cache
def disassembly(path: Path, functions: str) -> str:
    """`go tool objdump` of the functions whose names match."""
    return go_tool("objdump", "-s", functions, path)


def calls(listing: str) -> list[tuple[int, str]]:
    """(address, callee) of every direct call in a disassembly."""
    return [(int(m[1], 16), m[2]) for m in map(_CALL.match, listing.splitlines()) if m]
