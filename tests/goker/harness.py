"""Runs GoKer, the real concurrency bugs in Go's own tests, under a recorder told nothing of them.

Each program ends by printing Go's goroutine leak profile, which names the leaked goroutines: the
witness. Its standard output is a pipe that is full, so that its main goroutine stands in that very
write until the recorder has looked at it several times. The others go on meanwhile; so that what
they came to in that time has a witness too, the profile is printed a second time.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

import gtrace_analyze as ga
import toolchains
from goker.holding import VERSION, Holding
from gtrace_analyze.analyses.leaks import LeakGroup
from live.recording import RECORDER, running, said

Fixes = Sequence[tuple[str, str]]

_F_SETPIPE_SZ = 1031  # include/uapi/linux/fcntl.h
_PIPE = 4096
_WRITE = "1"  # the number of write(2) on amd64, as /proc/PID/task/TID/syscall prints it
_LONGEST_S = 120.0  # that is never reached, but by one that hangs
_LOOKS = 2
_REST_S = 5.0

_AT_ONCE = 4  # programs; most of the time they sleep
_AGAIN = "=== again ==="

_WITNESS = f"""package main

import (
	"os"
	"runtime/pprof"
)

func witness(prof *pprof.Profile, out *os.File) {{
	prof.WriteTo(out, 2)
	out.WriteString("\\n{_AGAIN}\\n")
	prof.WriteTo(out, 2)
}}
"""

_HELD = """
SELECT pid, goid FROM stg_goroutines WHERE reachable IS NOT NULL
GROUP BY ALL HAVING arg_max(reachable, snapshot)  -- by the last search
"""
# While a program prints its profile, a search may come to nothing.
_LATE = """
WITH searches AS (
    SELECT pid, min(ts) AS ts FROM stg_goroutines WHERE reachable IS NOT NULL GROUP BY pid, snapshot
)
SELECT DISTINCT e.pid, e.goid
FROM stg_events AS e
JOIN (SELECT pid, max(ts) AS ts FROM searches GROUP BY pid) AS s ON s.pid = e.pid AND e.ts > s.ts
"""
# A search has ended when the next snapshot begins; what is woken during it may come to wait again.
_WOKEN = """
WITH begun AS (SELECT snapshot, min(ts) AS ts FROM stg_goroutines GROUP BY ALL),
called AS (
    SELECT pid, goid, min(snapshot) AS snapshot FROM stg_goroutines WHERE NOT reachable GROUP BY ALL
)
SELECT DISTINCT e.pid, e.goid
FROM called AS c
JOIN begun AS b ON b.snapshot = c.snapshot + 1
JOIN stg_events AS e ON e.pid = c.pid AND e.goid = c.goid AND e.ts > b.ts
"""


@dataclass(frozen=True)
class Stack:
    """A goroutine in Go's profile: why it waits, and its functions, innermost first."""

    reason: str
    functions: tuple[str, ...]
    leaked: bool

    @property
    def place(self) -> tuple[str, str]:
        """Its innermost function that is the program's own, and why it waits."""
        own = (name for name in self.functions if name.startswith("main."))
        return next(own, ""), self.reason


@dataclass
class Outcome:
    """One program: what its own profile says, and what the recording shows."""

    name: str
    pid: int
    leaked: dict[int, Stack]  # by the profile
    later: dict[int, Stack]  # by the second profile
    alive: int = 0  # goroutines when it printed the profile
    found: set[int] = field(default_factory=set)  # by gtrace, verdict leak
    suspected: set[int] = field(default_factory=set)
    groups: list[LeakGroup] = field(default_factory=list)  # the same as found and suspected
    held: set[int] = field(default_factory=set)  # something seemed to refer to what they wait on
    late: set[int] = field(default_factory=set)  # did something since the recorder's last search
    woken: set[int] = field(default_factory=set)  # did something after they were called unreachable
    held_by: dict[int, str] = field(default_factory=dict)  # what refers to it, if that was asked

    @property
    def reported(self) -> set[int]:
        """By gtrace, whatever the verdict."""
        return self.found | self.suspected

    @property
    def named(self) -> dict[int, Stack]:
        """By either profile."""
        return self.leaked | self.later

    @property
    def missed(self) -> set[int]:
        """In the profiles, but not reported."""
        return set(self.named) - self.reported

    @property
    def beyond(self) -> set[int]:
        """Reported, but in neither profile."""
        return self.reported - set(self.named)

    def like(self, group: LeakGroup) -> int:
        """How many the profiles name that wait where a group does, for the same reason."""
        return sum(s.place == (group.function, group.reason) for s in self.named.values())


def sources() -> Path:
    """Where the toolchain has the programs."""
    runtime = toolchains.toolchain(VERSION).parent.parent / "src" / "runtime"
    return runtime / "testdata" / "testgoroutineleakprofile" / "goker"


def build(folder: Path, fixes: Mapping[str, Fixes] | None = None, mode: str = "stripped") -> Path:
    """All programs as one binary, which takes the name of one as its argument.

    `fixes` has, by program, what is to be replaced in its source by what.
    """
    copied = folder / "goker"
    shutil.copytree(sources(), copied)
    for name, replaced in (fixes or {}).items():
        source = next(p for p in copied.glob("*.go") if f'register("{name}"' in p.read_text())
        text = source.read_text()
        for old, new in replaced:
            assert text.count(old) == 1, f"{source.name} has {text.count(old)} times {old!r}"
            text = text.replace(old, new)
        source.write_text(text)
    for source in copied.glob("*.go"):
        text = source.read_text().replace("prof.WriteTo(os.Stdout, 2)", "witness(prof, os.Stdout)")
        source.write_text(text)
    (copied / "witness.go").write_text(_WITNESS)
    (copied / "go.mod").write_text("module goker\n\ngo 1.27\n")
    return toolchains.build(VERSION, copied, mode)


def names() -> list[str]:
    """The programs' names."""
    texts = (p.read_text() for p in sources().glob("*.go"))
    return sorted({name for text in texts for name in re.findall(r'register\("(\w+)"', text)})


def run_all(
    out: Path, chosen: Iterable[tuple[Path, str]], holding: Holding | None = None
) -> list[Outcome]:
    """Record every process of these binaries while programs of theirs run.

    What refers to what goroutines of one wait on is asked as well, if `holding` is of it.
    """
    chosen = list(chosen)
    options = ["--snapshot-interval", "100ms"]
    for binary in dict.fromkeys(binary for binary, _ in chosen):
        options += ["--exe", str(binary)]
    with running([*RECORDER, "--out", out, *options]) as recorder:
        said(recorder.stderr, "recording every process")
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            outcomes = list(pool.map(lambda program: _run(*program, out, holding), chosen))
        recorder.terminate()
        _, talk = recorder.communicate(timeout=120)
        assert recorder.returncode == 0, talk
    _judge(out, outcomes)
    return outcomes


def _run(binary: Path, name: str, out: Path, holding: Holding | None) -> Outcome:
    end, start = os.pipe()
    fcntl.fcntl(start, _F_SETPIPE_SZ, _PIPE)
    os.write(start, b"\n" * _PIPE)
    program = subprocess.Popen([binary, name], stdout=start, stderr=subprocess.DEVNULL)
    os.close(start)
    deadline = time.monotonic() + _LONGEST_S
    while program.poll() is None and not _writes(program.pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    _wait_for_looks(out, program.pid, deadline)
    held_by = holding.explain(program.pid) if holding and holding.path == binary else {}
    too_long = threading.Timer(_LONGEST_S, program.kill)
    too_long.start()
    with os.fdopen(end) as pipe:
        printed = pipe.read()
    program.wait()
    too_long.cancel()
    first, _, second = printed.partition(_AGAIN)
    goroutines = _parse(first)
    leaked = {g: stack for g, stack in goroutines.items() if stack.leaked}
    later = {g: s for g, s in _parse(second).items() if s.leaked and g not in leaked}
    return Outcome(name, program.pid, leaked, later, len(goroutines), held_by=held_by)


def _parse(profile: str) -> dict[int, Stack]:
    """The goroutines of a profile, by goid."""
    found = {}
    for text in profile.split("\n\n"):
        if header := re.search(r"^goroutine (\d+) \[([^\]]*)\]:\n", text, re.MULTILINE):
            lines = text[header.end() :].partition("created by")[0].splitlines()
            functions = tuple(line.rpartition("(")[0] for line in lines[::2])
            reason, leaked, _ = header[2].partition(" (leaked)")
            found[int(header[1])] = Stack(reason, functions, bool(leaked))
    return found


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
    """Until the recorder has looked at it twice from now on, and all stood still between the two.

    Some never stand still: not longer than a few seconds.
    """
    began, patience = time.monotonic_ns(), time.monotonic() + _REST_S
    while time.monotonic() < deadline:
        looks = [look for look in _looks(out, pid) if look.ts > began]
        if len(looks) >= _LOOKS and (looks[-1] == looks[-2] or time.monotonic() > patience):
            return
        time.sleep(0.1)


@dataclass(frozen=True)
class _Look:
    ts: int = field(compare=False)
    goroutines: pa.RecordBatch


def _looks(out: Path, pid: int) -> Iterator[_Look]:
    from gtrace_rec.streams import read_stream

    for batch in read_stream(out / "_goroutines.arrows"):
        own = batch.filter(pc.field("pid") == pid)
        if len(own):
            yield _Look(own.column("ts")[0].as_py(), own.select(["goid", "status", "obj"]))


def _judge(out: Path, outcomes: list[Outcome]) -> None:
    by_pid = {o.pid: o for o in outcomes}
    trace = ga.open(out)
    for row in trace.leaks().to_dict("records"):
        if outcome := by_pid.get(row["pid"]):
            group = LeakGroup(**row)
            goids = outcome.found if group.verdict == "leak" else outcome.suspected
            goids.update(group.goids)
            outcome.groups.append(group)
    for name, query in (("held", _HELD), ("late", _LATE), ("woken", _WOKEN)):
        for pid, goid in trace.sql(query).itertuples(index=False):
            if pid in by_pid:
                getattr(by_pid[pid], name).add(goid)
