"""`gtrace-rec doctor`: what it finds on this machine and in real programs, and what it advises."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import toolchains
from live.recording import ENV, RECORDER, running, said

pytestmark = [pytest.mark.live, pytest.mark.go]

HOST = ["kernel", "permission", "BPF", "bcc", "uprobe_multi", "tracefs", "memory lock"]
BINARY = ["binary", "offsets", "goroutines", "probe sites"]


def doctor(
    *arguments: str | Path, under: list[str] | None = None
) -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit status, and the checks by name."""
    command = [*(under or RECORDER), "doctor", "--json", *map(str, arguments)]
    done = subprocess.run(command, env=ENV, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.returncode, {c["name"]: c for c in json.loads(done.stdout)}


def failed(checks: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name, c in checks.items() if c["required"] and not c["ok"]]


@pytest.mark.parametrize("mode", ["plain", "pie-stripped", "cgo"])
def test_a_program_that_can_be_recorded(go_binary: Callable[..., Path], mode: str) -> None:
    status, checks = doctor(go_binary("echo.go", mode=mode))
    assert (status, failed(checks)) == (0, [])
    assert list(checks) == HOST + BINARY
    assert f"go{toolchains.NEWEST}, amd64" in checks["binary"]["found"]
    assert ("PIE" in checks["binary"]["found"]) is ("pie" in mode)
    assert ("cgo" in checks["binary"]["found"]) is (mode == "cgo")
    source = "table go1.27" if "stripped" in mode else "DWARF"
    assert checks["offsets"]["found"].endswith(source)


def test_a_process_is_looked_into(go_binary: Callable[..., Path]) -> None:
    with running([go_binary("lives.go"), "receivers=97", "await"]) as target:
        said(target.stdout, "parked")
        status, checks = doctor(str(target.pid))
    assert (status, failed(checks)) == (0, [])
    assert list(checks) == [*HOST, "process", *BINARY, "memory"]
    count, _, where = checks["memory"]["found"].partition(" goroutines live, ")
    assert 98 < int(count) < 110
    assert where == "where DWARF says"


@pytest.mark.parametrize(
    ("program", "found", "remedy"),
    [
        ("arm64", "arm64", "record it where it runs"),
        ("386", "32-bit", "for this machine"),
        ("/bin/true", "not a Go program", "gtrace-rec ps"),
        ("/etc/hostname", "no ELF file", "name a Go program"),
        ("/tmp", "a directory", "name a Go program"),
        ("/no/such", "no such file", "name a Go program"),
    ],
)
def test_a_program_that_cannot(
    go_binary: Callable[..., Path], program: str, found: str, remedy: str
) -> None:
    path = go_binary("echo.go", mode=program) if "/" not in program else program
    status, checks = doctor(path)
    assert (status, failed(checks)) == (1, ["binary"])
    assert found in checks["binary"]["found"]
    assert remedy in checks["binary"]["remedy"]


def test_a_go_of_tomorrow(go_binary: Callable[..., Path], tmp_path: Path) -> None:
    """It can be recorded by its debug information, and not without."""
    for mode, status in (("plain", 0), ("stripped", 1)):
        sound = go_binary("echo.go", mode=mode).read_bytes()
        future = tmp_path / mode
        future.write_bytes(sound.replace(f"go{toolchains.NEWEST}".encode(), b"go1.28.0"))
        found, checks = doctor(future)
        assert found == status
        assert "go1.28.0" in checks["binary"]["found"]
    assert "with it, any" in checks["binary"]["remedy"]


def test_a_pid_of_no_process() -> None:
    status, checks = doctor("4194305")
    assert (status, failed(checks)) == (1, ["process"])
    assert "no such process" in checks["process"]["found"]
    assert "gtrace-rec ps" in checks["process"]["remedy"]


def test_what_the_machine_lacks() -> None:
    powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *RECORDER]
    status, checks = doctor(under=powerless)
    assert status == 1
    assert {"permission", "BPF"} <= set(failed(checks))
    assert "cap_bpf,cap_perfmon,cap_sys_ptrace" in checks["permission"]["remedy"]

    status, checks = doctor(under=["setarch", "--uname-2.6", *RECORDER])
    assert status == 1
    assert "kernel" in failed(checks)
    assert "5.8" in checks["kernel"]["remedy"]
    assert not checks["uprobe_multi"]["ok"]

    without = "import sys; sys.modules['bcc'] = None; from gtrace_rec.commands import main; main()"
    status, checks = doctor(under=[sys.executable, "-c", without])
    assert (status, failed(checks)) == (1, ["bcc"])
    assert "python3-bpfcc" in checks["bcc"]["remedy"]


def test_it_is_readable() -> None:
    command = [*RECORDER, "doctor", "/bin/true"]
    done = subprocess.run(command, env=ENV, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    *host, last, remedy = done.stdout.splitlines()
    assert all(line.startswith(("ok  ", "note", "      ")) for line in host)
    assert last.startswith("FAIL  binary")
    assert remedy.strip().startswith("→ only Go programs")
