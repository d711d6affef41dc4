"""Runs GoKer, the real concurrency bugs in Go's own tests, under a recorder that knows nothing of them.

Each program ends by printing Go's goroutine leak profile, which names the leaked goroutines: the
witness. Its standard output is a pipe that is full, so that the program stands still in that very
write, with all its goroutines where they are, until the recorder has looked at it twice.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import gtrace_analyze as ga
import toolchains
from live.recording import RECORDER, running, said

VERSION = toolchains.NEWEST
_F_SETPIPE_SZ = 1031  # include/uapi/linux/fcntl.h
_PIPE = 4096
_WRITE = "1"  # the number of write(2) on amd64, as /proc/PID/task/TID/syscall prints it
_LONGEST_S = 30.0
_LOOKS = 3


@dataclass
class Outcome:
    """One program: what its own profile says, and what the recording shows."""

    name: str
    pid: int
    leaked: set[int]  # by the profile
    alive: int = 0  # goroutines when it printed the profile
    found: set[int] = field(default_factory=set)  # by gtrace, verdict leak
    suspected: set[int] = field(default_factory=set)
    where: dict[int, str] = field(default_factory=dict)  # "function [reason]" of those found

    @property
    def missed(self) -> set[int]:
        """In the profile, but not found."""
        return self.leaked - self.found - self.suspected

    @property
    def beyond(self) -> set[int]:
        """Found, but not in the profile."""
        return (self.found | self.suspected) - self.leaked


def sources() -> tuple[Path, Path]:
    """Where the toolchain has the programs, and the test that lists their leaks."""
    runtime = toolchains.toolchain(VERSION).parent.parent / "src" / "runtime"
    programs = runtime / "testdata" / "testgoroutineleakprofile" / "goker"
    return programs, runtime / "goroutineleakprofile_test.go"


def build(folder: Path) -> Path:
    """All programs as one stripped binary, which takes the name of one as its argument."""
    copied = folder / "goker"
    shutil.copytree(sources()[0], copied)
    (copied / "go.mod").write_text("module goker\n\ngo 1.27\n")
    return toolchains.build(VERSION, copied, "stripped")


def names() -> list[str]:
    """The programs' names."""
    texts = (p.read_text() for p in sources()[0].glob("*.go"))
    return sorted({name for text in texts for name in re.findall(r'register\("(\w+)"', text)})


def expected() -> dict[str, list[re.Pattern[str]]]:
    """The leaks that Go's own test expects of each program: "function(...) [reason]"."""
    text = sources()[1].read_text()
    found: dict[str, list[re.Pattern[str]]] = {}
    for entry in re.finditer(r'make(?:Flaky)?Test\("(\w+)",([^)]*(?:\)[^)]*?)*?)\n\t\t\)', text):
        found[entry[1]] = [re.compile(p) for p in re.findall(r"`([^`]+)`", entry[2])]
    return found


def run_all(binary: Path, out: Path, chosen: list[str]) -> list[Outcome]:
    """Record every process of the binary while the programs run one after the other."""
    options = ["--exe", binary, "--snapshot-interval", "100ms"]
    with running([*RECORDER, "--out", out, *options]) as recorder:
        said(recorder.stderr, "recording every process")
        outcomes = [_run(binary, name, out) for name in chosen]
        recorder.terminate()
        _, talk = recorder.communicate(timeout=120)
        assert recorder.returncode == 0, talk
    _judge(out, outcomes)
    return outcomes


def _run(binary: Path, name: str, out: Path) -> Outcome:
    end, start = os.pipe()
    fcntl.fcntl(start, _F_SETPIPE_SZ, _PIPE)
    os.write(start, b"\n" * _PIPE)
    program = subprocess.Popen([binary, name], stdout=start, stderr=subprocess.DEVNULL)
    os.close(start)
    deadline = time.monotonic() + _LONGEST_S
    while program.poll() is None and not _writes(program.pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    _wait_for_looks(out, program.pid, deadline)
    too_long = threading.Timer(_LONGEST_S, program.kill)
    too_long.start()
    with os.fdopen(end) as pipe:
        printed = pipe.read()
    program.wait()
    too_long.cancel()
    headers = re.findall(r"^goroutine (\d+) \[([^\]]*)\]", printed, re.MULTILINE)
    leaked = {int(goid) for goid, state in headers if "(leaked)" in state}
    return Outcome(name, program.pid, leaked, alive=len(headers))


def _writes(pid: int) -> bool:
    """One of its threads is in write(1, ...)."""
    for task in Path(f"/proc/{pid}/task").glob("*/syscall"):
        try:
            words = task.read_text().split()
        except OSError:
            continue
        if words[:2] == [_WRITE, "0x1"]:
            return True
    return False


def _wait_for_looks(out: Path, pid: int, deadline: float) -> None:
    """Until the recorder has taken some snapshots of it, the last of them from now on."""
    seen, began = set(), time.monotonic_ns()
    while len(seen) < _LOOKS and time.monotonic() < deadline:
        seen |= {ts for ts in _looks(out, pid) if ts > began}
        time.sleep(0.1)


def _looks(out: Path, pid: int) -> Iterator[int]:
    from gtrace_rec.streams import read_stream

    for batch in read_stream(out / "_goroutines.arrows"):
        if pid in set(batch.column("pid").unique().to_pylist()):
            yield int(batch.column("ts")[0].as_py())


def _judge(out: Path, outcomes: list[Outcome]) -> None:
    by_pid = {o.pid: o for o in outcomes}
    for group in ga.open(out).leaks().itertuples():
        outcome = by_pid.get(group.pid)
        if outcome is None:
            continue
        goids = set(group.goids)
        if group.verdict == "leak":
            outcome.found |= goids
        else:
            outcome.suspected |= goids
        place = f"{_profiled_function(group.stack)}( [{group.reason}]"
        outcome.where |= dict.fromkeys(goids, place)


def _profiled_function(stack: list[dict[str, str]]) -> str:
    """The function by which Go's test names a leak: the one below the go statement."""
    mains = [f["function"] for f in stack if f["function"].startswith("main.")]
    return mains[-1].removeprefix("main.") if mains else ""
