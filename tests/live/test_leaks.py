"""The example's three leaks, found in recordings of it: all of them, exactly, and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import toolchains
from live.recording import RECORDER, ROOT, analyze, recording_of, running, said

pytestmark = [pytest.mark.live, pytest.mark.go]

SOURCE = ROOT / "examples" / "leaky"
NEWEST = toolchains.NEWEST
LEAKS = {
    # function: how many, on what, made by whom
    "main.awaitPrice": (23, "chan receive", "main.(*shop).quote"),
    "main.followStock": (31, "select", "main.(*shop).watch"),
    "main.(*ledger).post": (17, "sync.Mutex.Lock", "net/http.(*Server).Serve"),
}


# The line of code that each waits in.
WAITS = {
    "main.awaitPrice": "price <- <-reply",
    "main.followStock": "select {",
    "main.(*ledger).post": "l.mu.Lock()",
}


@contextmanager
def _shop(*command: str | Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The shop, started by a command; yields the process and the address it serves on."""
    with running([*command, "-addr", "127.0.0.1:0"]) as process:
        yield process, said(process.stdout, r"listening on (\S+)")[1]


def _visit(address: str) -> str:
    load = toolchains.build(NEWEST, SOURCE / "load")
    command = [load, "-addr", address, "-duration", "4s"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _leaks(out: Path, *options: str) -> list[dict[str, Any]]:
    done = analyze("leaks", out, "--json", *options)
    assert done.returncode == 0, done.stderr
    groups: list[dict[str, Any]] = json.loads(done.stdout)
    return groups


def _check_exact(groups: list[dict[str, Any]]) -> None:
    found = {g["function"]: (g["count"], g["reason"], g["created_by"]) for g in groups}
    assert found == LEAKS
    assert {g["verdict"] for g in groups} == {"leak"}
    for group in groups:
        assert len(set(group["goids"])) == group["count"]
        assert group["oldest_ns"] > group["newest_ns"] > 0
        assert group["evidence"]
        frames = [f["function"] for f in group["stack"]]
        assert group["function"] in frames
        file, line = group["file"], group["line"]
        code = Path(file).read_text().splitlines()[line - 1].strip()
        assert code == WAITS[group["function"]]
        made_in, _, at = group["created_at"].rpartition(":")
        code = Path(made_in).read_text().splitlines()[int(at) - 1].strip()
        assert re.match(r"go \w", code), code


def test_a_launched_service_s_leaks_are_named_exactly(tmp_path: Path) -> None:
    """As the demo does it: from the first goroutine to the end of the process."""
    out = tmp_path / "trace.parquet"
    leaky = toolchains.build(NEWEST, SOURCE)
    with _shop(*RECORDER, "--out", out, "--", leaky) as (recorder, address):
        assert "23 refused, 17 hung, 0 failed" in _visit(address)
        recorder.terminate()  # passed on to the shop, which ends
        _, talk = recorder.communicate(timeout=30)
    assert recorder.returncode == 0, talk
    assert ", 0 lost," in talk
    _check_exact(_leaks(out))


def test_a_running_service_s_leaks_are_named_exactly(tmp_path: Path) -> None:
    """Attached, and detached while the pool, the ticker and the listener wait on."""
    out = tmp_path / "trace"
    with _shop(toolchains.build(NEWEST, SOURCE)) as (shop, address):
        with recording_of(shop.pid, out):
            assert "23 refused, 17 hung, 0 failed" in _visit(address)
        assert shop.poll() is None
    _check_exact(_leaks(out))


def test_the_healthy_service_has_none(tmp_path: Path) -> None:
    out = tmp_path / "trace"
    with (
        _shop(toolchains.build(NEWEST, SOURCE), "-healthy") as (shop, address),
        recording_of(shop.pid, out),
    ):
        assert "0 refused, 0 hung, 0 failed" in _visit(address)
    assert _leaks(out) == []
    idle = {g["function"]: g["verdict"] for g in _leaks(out, "--all")}
    assert idle["main.(*printer).work"] == "idle"
    assert idle["main.(*shop).reportStock"] == "idle"
