"""What is recorded is what the memory of the program, stopped for that by the test, says.

The one witness that needs nothing of Go's own, for all versions alike.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import toolchains
from conformance.observe import PROGRAMS, tell
from gtrace_analyze.engine import connect
from gtrace_rec.goruntime import open_binary
from gtrace_rec.goruntime.process import GoProcess
from gtrace_rec.goruntime.reader import GoroutineReader
from live.recording import READY_S, recording_of, running, said, wait_for_snapshots

pytestmark = [pytest.mark.live, pytest.mark.go, pytest.mark.slow]

# Those whose tracer has a clock of its own.
VERSIONS = [toolchains.DEBIAN, "1.21.13"]
if os.environ.get("GTRACE_CONFORMANCE") == "long":
    VERSIONS.append(toolchains.NEWEST)
WORK = ["channels", "timers", "locks", "network", "gc", "sched", "syscalls", "channels"]
AS_STATES = {"copystack": "running", "preempted": "waiting", "leaked": "waiting"}
BUSY = ["GC mark termination", "stopping the world", "flushing proc caches", "garbage collection"]
# A thread may be stopped in between: past the probe, but not yet where it writes the new state.
IN_FLIGHT_NS = 50_000_000


@pytest.mark.parametrize("version", VERSIONS)
def test_states_are_those_of_the_stopped_program(version: str, tmp_path: Path) -> None:
    program = toolchains.build(version, PROGRAMS / "witness")
    with running([program, "4", "-", "wait", *WORK, "wait"]) as target:
        said(target.stdout, "waiting")
        with recording_of(target.pid, tmp_path / "r", "--plan", "full"):
            wait_for_snapshots(tmp_path / "r", 1)
            found = _sampled(target, program)
            time.sleep(0.3)
    states = _recorded(tmp_path / "r")
    found["judged"] = [_judge(states.get(row.goid), row) for row in found.itertuples()]
    counts = Counter(found.judged)
    assert len(found) > 200, counts
    assert counts["equal"] >= 0.95 * len(found), counts
    assert counts["other"] <= max(3, 0.005 * len(found)), found[found.judged == "other"]


def _sampled(target: subprocess.Popen[str], program: Path) -> pd.DataFrame:
    """Goroutines and their states, at each of many moments of the program's work."""
    reader = GoroutineReader(GoProcess(target.pid, open_binary(program)))
    waiting = threading.Thread(target=said, args=(target.stdout, "waiting"))
    waiting.start()
    tell(target)
    found = []
    dice = random.Random(1)
    while waiting.is_alive():
        time.sleep(dice.uniform(0.002, 0.03))
        target.send_signal(signal.SIGSTOP)
        try:
            _wait_until_stopped(target.pid)
            ts = time.monotonic_ns()
            taken = reader.take()
        finally:
            target.send_signal(signal.SIGCONT)
        batch = taken.batch(0, range(len(taken.stacks)))
        frame = pd.DataFrame(batch.select(["goid", "status", "reason"]).to_pylist())
        found.append(frame.assign(ts=ts))
    sampled = pd.concat(found, ignore_index=True)
    sampled["state"] = sampled.status.replace(AS_STATES)
    # The runtime's own way to say that the goroutine is busy with the collector.
    sampled.loc[sampled.reason.isin(BUSY), "state"] = "running"
    return sampled


def _wait_until_stopped(pid: int) -> None:
    deadline = time.monotonic() + READY_S
    for task in Path(f"/proc/{pid}/task").iterdir():
        while task.exists() and _thread_state(task) not in "TXZ":
            assert time.monotonic() < deadline
            os.sched_yield()


def _thread_state(task: Path) -> str:
    try:
        return (task / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def _recorded(recording: Path) -> dict[int, pd.DataFrame]:
    engine = connect(recording)
    try:
        frame = engine.table(
            "SELECT goid, ts, ts_end, state::VARCHAR AS state FROM intervals ORDER BY goid, ts"
        ).to_pandas()
    finally:
        engine.close()
    return dict(tuple(frame.groupby("goid")))


def _judge(states: pd.DataFrame | None, sample: Any) -> str:
    """Whether a goroutine, of these recorded states, was in that of the sample."""
    if states is None:
        return "other"
    row = states.ts.searchsorted(sample.ts, side="right") - 1
    if row < 0 or states.ts_end.iloc[row] <= sample.ts:
        last = row >= 0 and sample.ts - states.ts_end.iloc[row] < IN_FLIGHT_NS
        return "in flight" if last and states.state.iloc[row] == sample.state else "other"
    if states.state.iloc[row] == sample.state:
        return "equal"
    near = sample.ts - states.ts.iloc[row] < IN_FLIGHT_NS
    before = states.state.iloc[row - 1] if row else "runnable"
    return "in flight" if near and before == sample.state else "other"
