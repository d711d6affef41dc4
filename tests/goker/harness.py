"""Runs GoKer, the real concurrency bugs in Go's own tests, under a recorder told nothing of them.

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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import gtrace_analyze as ga
import toolchains
from live.recording import RECORDER, running, said

Fixes = Sequence[tuple[str, str]]

VERSION = toolchains.NEWEST
_F_SETPIPE_SZ = 1031  # include/uapi/linux/fcntl.h
_PIPE = 4096
_WRITE = "1"  # the number of write(2) on amd64, as /proc/PID/task/TID/syscall prints it
_LONGEST_S = 30.0
_LOOKS = 3

_HELD = """
SELECT pid, goid FROM stg_goroutines WHERE reachable IS NOT NULL
GROUP BY ALL HAVING bool_and(reachable)
"""
_WOKEN = """
SELECT DISTINCT e.pid, e.goid
FROM (SELECT pid, goid, min(ts) AS ts FROM stg_goroutines WHERE NOT reachable GROUP BY ALL) AS s
JOIN stg_events AS e ON e.pid = s.pid AND e.goid = s.goid AND e.ts > s.ts
"""


@dataclass
class Outcome:
    """One program: what its own profile says, and what the recording shows."""

    name: str
    pid: int
    leaked: set[int]  # by the profile
    alive: int = 0  # goroutines when it printed the profile
    found: set[int] = field(default_factory=set)  # by gtrace, verdict leak
    suspected: set[int] = field(default_factory=set)
    held: set[int] = field(default_factory=set)  # something seemed to refer to what they wait on
    woken: set[int] = field(default_factory=set)  # did something after they were called unreachable

    @property
    def missed(self) -> set[int]:
        """In the profile, but not found."""
        return self.leaked - self.found - self.suspected

    @property
    def beyond(self) -> set[int]:
        """Found, but not in the profile."""
        return (self.found | self.suspected) - self.leaked


def sources() -> Path:
    """Where the toolchain has the programs."""
    runtime = toolchains.toolchain(VERSION).parent.parent / "src" / "runtime"
    return runtime / "testdata" / "testgoroutineleakprofile" / "goker"


def build(folder: Path, fixes: Mapping[str, Fixes] | None = None) -> Path:
    """All programs as one stripped binary, which takes the name of one as its argument.

    `fixes` has, by program, what is to be replaced in its source by what.
    """
    copied = folder / "goker"
    shutil.copytree(sources(), copied)
    for name, replaced in (fixes or {}).items():
        source = copied / f"{name.lower()}.go"
        text = source.read_text()
        for old, new in replaced:
            assert text.count(old) == 1, f"{source.name} has {text.count(old)} times {old!r}"
            text = text.replace(old, new)
        source.write_text(text)
    (copied / "go.mod").write_text("module goker\n\ngo 1.27\n")
    return toolchains.build(VERSION, copied, "stripped")


def names() -> list[str]:
    """The programs' names."""
    texts = (p.read_text() for p in sources().glob("*.go"))
    return sorted({name for text in texts for name in re.findall(r'register\("(\w+)"', text)})


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
    trace = ga.open(out)
    for group in trace.leaks().itertuples():
        if outcome := by_pid.get(group.pid):
            goids = outcome.found if group.verdict == "leak" else outcome.suspected
            goids.update(group.goids)
    for name, query in (("held", _HELD), ("woken", _WOKEN)):
        for pid, goid in trace.sql(query).itertuples(index=False):
            if pid in by_pid:
                getattr(by_pid[pid], name).add(goid)
