"""A recorded program is the program: its descriptors, its signals, its status, its own progress."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from live.recording import RECORDER, Recording, record, recording_of, running, said

pytestmark = [pytest.mark.live, pytest.mark.go]


def test_a_launched_program_keeps_its_streams_and_its_status(
    tmp_path: Path, go_binary: Callable[..., Path]
) -> None:
    fed = "".join(f"line {i}\n" for i in range(10_000))
    done = record(tmp_path / "t", "--", go_binary("echo.go"), "42", "--pid", "-x", stdin=fed)
    assert done.returncode == 42
    first, rest = done.stdout.split("\n", 1)
    assert first.startswith("args [42 --pid -x] pid ")
    assert rest == fed
    assert Recording(tmp_path / "t").manifest["processes"][0]["exit_status"] == 42


def test_signals_reach_a_launched_program(tmp_path: Path, go_binary: Callable[..., Path]) -> None:
    command = [*RECORDER, "--out", tmp_path / "t", "--", go_binary("echo.go"), "3"]
    with running(command) as recorder:
        said(recorder.stdout, "args")
        recorder.send_signal(signal.SIGUSR1)
        said(recorder.stdout, "signal user defined signal 1")
        recorder.send_signal(signal.SIGHUP)
        said(recorder.stdout, "signal hangup")
        recorder.send_signal(signal.SIGTERM)
        said(recorder.stdout, "signal terminated")
        assert recorder.wait(30) == 3


def test_a_launched_program_killed_by_a_signal_has_the_shell_s_status(
    tmp_path: Path, go_binary: Callable[..., Path]
) -> None:
    command = [*RECORDER, "--out", tmp_path / "t", "--", go_binary("echo.go"), "3"]
    with running(command) as recorder:
        pid = int(said(recorder.stdout, r"pid (\d+)")[1])
        os.kill(pid, signal.SIGKILL)
        assert recorder.wait(30) == 128 + signal.SIGKILL
    manifest = Recording(tmp_path / "t").manifest
    assert manifest["processes"][0]["exit_status"] == -signal.SIGKILL


def _code_at_probes(pid: int, recording: Recording) -> dict[str, tuple[str, str]]:
    """Per probe: the bytes that are in the process, and those that are to be."""
    found = {}
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for probe in recording.manifest["exes"][0]["probes"]:
            memory.seek(probe["address"])
            found[probe["site"]] = (
                memory.read(len(probe["expected"]) // 2).hex(),
                probe["expected"],
            )
    return found


def test_an_attached_program_is_unharmed(tmp_path: Path, go_binary: Callable[..., Path]) -> None:
    """It works on while recorded, has its own code back afterwards, and ends as it would have."""
    with running([go_binary("lives.go"), "receivers=101", "stuck=3", "await"]) as target:
        said(target.stdout, "parked")
        stopped_before = _involuntary_stops(target.pid)
        with recording_of(target.pid, tmp_path / "t") as (_, recording):
            probed = _code_at_probes(target.pid, recording)
            assert any(now != then for now, then in probed.values()), "no probe is in the code"
            time.sleep(0.5)
        assert _involuntary_stops(target.pid) == stopped_before
        code = _code_at_probes(target.pid, recording)
        assert len(code) > 10
        assert all(now == then for now, then in code.values())
        assert target.stdin is not None
        target.stdin.write("go\n")
        target.stdin.flush()
        said(target.stdout, "done")
        assert target.wait(10) == 0


def _involuntary_stops(pid: int) -> list[str]:
    """State and tracer of every thread: none may be stopped or traced."""
    found = []
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        text = status.read_text()
        state = re.search(r"State:\s+(\S)", text)
        tracer = re.search(r"TracerPid:\s+(\d+)", text)
        assert state is not None
        assert tracer is not None
        if state[1] in "tT" or tracer[1] != "0":
            found.append(text)
    return found


def test_duration_ends_a_recording_of_a_running_program(
    tmp_path: Path, go_binary: Callable[..., Path]
) -> None:
    with running([go_binary("parked.go")]) as target:
        said(target.stdout, "^ready")
        begun = time.monotonic()
        done = record(tmp_path / "t", "--pid", str(target.pid), "--duration", "1s")
        assert done.returncode == 0, done.stderr
        assert 1 <= time.monotonic() - begun < 20
        assert target.poll() is None
    manifest = Recording(tmp_path / "t").manifest
    span = (manifest["stopped_ts"] - manifest["processes"][0]["started_ts"]) / 1e9
    assert 0.9 < span < 10  # a loaded machine searches memory slowly
    lines = done.stderr.strip().splitlines()
    assert "Ctrl-C" in lines[0]
    assert "lost" in lines[-2]
    assert lines[-1].startswith("gtrace-rec: next: gtrace-analyze ")
