"""`gtrace-rec ps`: the Go programs that run, by Go version and kind of build."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import toolchains
from live.recording import ENV, RECORDER, running, said

pytestmark = [pytest.mark.live, pytest.mark.go]


def _ps(*options: str) -> str:
    done = subprocess.run(
        [*RECORDER, "ps", *options], env=ENV, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _entry(pid: int) -> dict[str, Any]:
    (found,) = [p for p in json.loads(_ps("--json")) if p["pid"] == pid]
    entry: dict[str, Any] = found
    return entry


@pytest.mark.parametrize("mode", ["plain", "pie-stripped"])
def test_goroutines_are_counted_exactly(go_binary: Callable[..., Path], mode: str) -> None:
    counts = []
    for receivers in (0, 97):
        with running([go_binary("lives.go", mode=mode), f"receivers={receivers}", "await"]) as p:
            said(p.stdout, "parked")
            entry = _entry(p.pid)
            assert entry["go_version"] == f"go{toolchains.NEWEST}"
            assert entry["stripped"] is (mode == "pie-stripped")
            assert entry["problem"] is None
            counts.append(entry["goroutines"])
    assert counts[1] - counts[0] == 97


def test_the_table_names_the_program(go_binary: Callable[..., Path]) -> None:
    with running([go_binary("pulse.go")]) as p:
        said(p.stdout, "beating")
        (line,) = [x for x in _ps().splitlines() if x.split()[0] == str(p.pid)]
    assert f"go{toolchains.NEWEST}" in line
    assert line.split()[2] == "yes"
    assert line.endswith("/pulse")


def test_what_cannot_be_recorded_says_why(go_binary: Callable[..., Path]) -> None:
    with running([go_binary("pulse.go", mode="386")]) as p:
        said(p.stdout, "beating")
        entry = _entry(p.pid)
    assert "386" in entry["problem"] or "32-bit" in entry["problem"]
    assert entry["goroutines"] is None
