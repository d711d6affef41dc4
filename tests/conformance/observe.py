"""Run a program under gtrace and under Go's own execution tracer at once."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

import toolchains
from conformance import recorded, witness
from conformance.interludes import Interludes, available

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).resolve().parent / "programs"

# What programs/witness can do, and since which minor version of Go.
WORKLOADS = {
    **dict.fromkeys(
        ("channels", "churn", "gc", "locks", "network", "sched", "syscalls", "timers"), 0
    ),
    "coroutines": 23,
    "bubbles": 25,
}


@dataclass(frozen=True)
class Observation:
    """One run, as both saw it."""

    plan: str
    recording: Path
    witness: witness.Trace
    recorded: pd.DataFrame
    interludes: Interludes | None  # None: the kernel's tracepoints cannot be had here


def workloads(version: str) -> list[str]:
    """What a program built by Go `version` can do."""
    minor = int(version.split(".")[1])
    return [name for name, since in WORKLOADS.items() if minor >= since]


def observe(
    version: str, names: Sequence[str], folder: Path, *, plan: str, scale: int = 1
) -> Observation:
    """Run workloads of programs/witness, built by Go `version`; files go to `folder`."""
    program = toolchains.build(version, PROGRAMS / "witness")
    trace, recording = folder / "witness.trace", folder / "recording"
    interludes = Interludes(program.name) if available() else None
    with interludes.recorded() if interludes else contextlib.nullcontext():
        record(recording, [str(program), str(scale), str(trace), *names], plan)
    theirs, ours = witness.read(trace), recorded.transitions(recording)
    if not theirs.monotonic:
        created = ours[ours.kind == "create"].set_index("goid").ts
        theirs = witness.on_monotonic_clock(theirs, created)
    return Observation(plan, recording, theirs, ours, interludes)


def record(recording: Path, command: list[str], plan: str, *options: str) -> None:
    """Record `command` from its start to its end. Raises RuntimeError if that fails."""
    recorder = [sys.executable, "-m", "gtrace_rec", "--out", str(recording), "--plan", plan]
    done = subprocess.run(
        [*recorder, *options, "--", *command],
        # The program's go.mod, being of Go 1.19, would otherwise ask for the timers of that time.
        env=os.environ | {"PYTHONPATH": str(ROOT), "GODEBUG": "asynctimerchan=0"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} exited with {done.returncode}:\n{done.stderr}")
