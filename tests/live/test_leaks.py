"""The example's three leaks, found in recordings of it: all of them, exactly, and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
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
    command = [load, "-addr", address, "-duration", "4s", "-rate", "40"]
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


@dataclass(frozen=True)
class Recorded:
    """The shop launched by a recorder, and in another recording two that ran: leaky and healthy."""

    launched: Path
    running: Path
    leaky: int
    healthy: int


def _record_launched(binary: Path, out: Path) -> None:
    with _shop(*RECORDER, "--out", out, "--", binary) as (recorder, address):
        assert "23 refused, 17 hung, 0 failed" in _visit(address)
        recorder.terminate()  # passed on to the shop, which ends
        _, talk = recorder.communicate(timeout=30)
    assert recorder.returncode == 0, talk
    assert ", 0 lost," in talk


def _record_running(binary: Path, out: Path) -> tuple[int, int]:
    """Returns the pids of the leaky shop and of the healthy one."""
    with (
        _shop(binary) as (leaky, address),
        _shop(binary, "-healthy") as (healthy, healthy_address),
        ThreadPoolExecutor() as visitors,
    ):
        with recording_of(leaky.pid, out, "--pid", str(healthy.pid)):
            said, healthy_said = visitors.map(_visit, (address, healthy_address))
            assert "23 refused, 17 hung, 0 failed" in said
            assert "0 refused, 0 hung, 0 failed" in healthy_said
        assert leaky.poll() is None  # detached while its pool, ticker and listener wait on
        return leaky.pid, healthy.pid


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Both recordings, made at the same time."""
    folder = tmp_path_factory.mktemp("leaks")
    launched, attached = folder / "trace.parquet", folder / "trace"
    binary = toolchains.build(NEWEST, SOURCE)
    with ThreadPoolExecutor() as recorders:
        one = recorders.submit(_record_launched, binary, launched)
        leaky, healthy = recorders.submit(_record_running, binary, attached).result()
        one.result()
    return Recorded(launched, attached, leaky, healthy)


def test_a_launched_service_s_leaks_are_named_exactly(recorded: Recorded) -> None:
    """As the demo does it: from the first goroutine to the end of the process."""
    _check_exact(_leaks(recorded.launched))


def test_a_running_service_s_leaks_are_named_exactly(recorded: Recorded) -> None:
    groups = _leaks(recorded.running)
    assert {g["pid"] for g in groups} == {recorded.leaky}
    _check_exact(groups)


def test_the_healthy_service_has_none(recorded: Recorded) -> None:
    groups = [g for g in _leaks(recorded.running, "--all") if g["pid"] == recorded.healthy]
    idle = {g["function"]: g["verdict"] for g in groups}
    assert set(idle.values()) == {"idle"}
    assert {"main.(*printer).work", "main.(*shop).reportStock"} <= set(idle)
