"""Run a program under gtrace and under Go's own execution tracer at once."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

import toolchains
from conformance import recorded, witness
from conformance.interludes import Interludes, available
from live.recording import recording_of, running, said, wait_for_snapshots

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
CGO, CGO_SINCE = "cgo", 22  # of a build with cgo; before, Go's tracer did not tell of C's threads
CROWD = 100_000  # goroutines of the workload "crowd", which takes long and is no part of WORKLOADS


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
    program = toolchains.build(version, PROGRAMS / "witness", "cgo" if CGO in names else "plain")
    trace, recording = folder / "witness.trace", folder / "recording"
    with interludes(program.name) as seen:
        record(recording, [str(program), str(scale), str(trace), *names], plan)
    return _observation(plan, recording, trace, seen)


def observe_both(
    versions: tuple[str, str], names: Sequence[str], folder: Path, *, plan: str
) -> list[Observation]:
    """The same with two programs at once, of which one recording is made."""
    programs = [toolchains.build(version, PROGRAMS / "witness") for version in versions]
    traces = [folder / f"{version}.trace" for version in versions]
    names = ["wait", *names, "wait"]
    with contextlib.ExitStack() as stack:
        seen = stack.enter_context(interludes(programs[0].name))
        targets = [
            stack.enter_context(running([program, "1", trace, *names]))
            for program, trace in zip(programs, traces, strict=True)
        ]
        _all_wait(targets)
        other = ["--pid", str(targets[1].pid), "--plan", plan]
        with recording_of(targets[0].pid, folder / "recording", *other):
            wait_for_snapshots(folder / "recording", len(targets))
            tell(*targets)
            _all_wait(targets)
        tell(*targets)
        for target in targets:
            target.wait(timeout=30)
    return [
        _observation(plan, folder / "recording", trace, seen, target.pid)
        for target, trace in zip(targets, traces, strict=True)
    ]


def tell(*targets: subprocess.Popen[str]) -> None:
    """End the workload "wait" of each."""
    for target in targets:
        assert target.stdin
        target.stdin.write("\n")
        target.stdin.flush()


def _all_wait(targets: Sequence[subprocess.Popen[str]]) -> None:
    for target in targets:
        said(target.stdout, "waiting")


def _observation(
    plan: str, recording: Path, trace: Path, seen: Interludes | None, pid: int | None = None
) -> Observation:
    theirs, ours = witness.read(trace), recorded.transitions(recording, pid)
    if not theirs.monotonic:
        created = ours[ours.kind == "create"].set_index("goid").ts
        theirs = witness.on_monotonic_clock(theirs, created)
    return Observation(plan, recording, theirs, ours, seen)


@contextlib.contextmanager
def interludes(comm: str) -> Iterator[Interludes | None]:
    """Those of programs of that name while the block runs; None where they cannot be had."""
    if not available():
        yield None
        return
    found = Interludes(comm)
    with found.recorded():
        yield found


def record(recording: Path, command: list[str], plan: str) -> str:
    """Record `command` from its start to its end; what it said. Raises RuntimeError if it fails."""
    recorder = [sys.executable, "-m", "gtrace_rec", "--out", str(recording), "--plan", plan]
    done = subprocess.run(
        [*recorder, "--", *command],
        # The program's go.mod, being of Go 1.19, would otherwise ask for the timers of that time.
        env=os.environ | {"PYTHONPATH": str(ROOT), "GODEBUG": "asynctimerchan=0"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} exited with {done.returncode}:\n{done.stderr}")
    return done.stdout
