"""What live tests share: start Go programs, record them with gtrace-rec, read what was written.

Nothing here reads a recording by gtrace's own code, so that a test of the recorder is one of the
recorder alone.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import duckdb

import gtrace_analyze.commands

ROOT = Path(__file__).resolve().parent.parent.parent
ENV = {**os.environ, "PYTHONPATH": str(ROOT)}
RECORDER = [sys.executable, "-m", "gtrace_rec"]
ANALYZER = [sys.executable, "-m", "gtrace_analyze"]

READY_S = 30.0  # a loaded machine compiles the probes slowly


@dataclass(frozen=True)
class Recording:
    """A recording, or one process's share of it, read as any Parquet reader would."""

    path: Path
    pid: int | None = None

    @property
    def manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads((self.path / "_manifest.json").read_text())
        return manifest

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query over `events` and the tables beside them, named like their files.

        `spawned` has one row per goroutine created: goid, other_goid, ts and its start function.
        """
        files = {"events": f"{self.path}/*.parquet"}
        files |= {file.stem[1:]: str(file) for file in self.path.glob("_*.parquet")}
        with duckdb.connect() as db:
            for name, file in files.items():
                db.sql(f"create view {name} as from '{file}' {self._share(name)}")
            db.sql(
                "create view spawned as "
                "select e.goid, e.other_goid, e.ts, s.function as name from events e "
                "left join symbols s on s.pc = e.obj and s.depth = 0 "
                "where kind in ('create', 'create_parked')"
            )
            return db.sql(query).fetchall()

    def _share(self, table: str) -> str:
        """Which rows of a table are this process's."""
        if self.pid is None:
            return ""
        if table in ("events", "goroutines"):
            return f"where pid = {self.pid}"
        if table in ("stacks", "symbols"):
            (exe,) = [p["exe"] for p in self.manifest["processes"] if p["pid"] == self.pid]
            return f"where exe = {exe}"
        return ""

    def one(self, query: str) -> Any:
        """The single value that a query yields."""
        ((value,),) = self.sql(query)
        return value


def record(
    out: Path, *arguments: str | Path, stdin: str | None = None, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run gtrace-rec to its end."""
    command = [*RECORDER, "--out", str(out), *map(str, arguments)]
    feed: dict[str, Any] = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
    return subprocess.run(command, env=ENV, capture_output=True, text=True, timeout=timeout, **feed)


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run gtrace-analyze to its end, in this process: it starts in none of the time."""
    out, err = io.TextIOWrapper(io.BytesIO()), io.TextIOWrapper(io.BytesIO())
    command = list(map(str, arguments))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            gtrace_analyze.commands.main(command)
        except SystemExit as e:
            status = e.code
    assert isinstance(status, int)
    said = (f.detach().getvalue().decode() for f in (out, err) if not f.flush())
    return subprocess.CompletedProcess(["gtrace-analyze", *command], status, *said)


@contextlib.contextmanager
def running(
    command: Sequence[str | Path], stderr: IO[str] | int | None = subprocess.PIPE
) -> Iterator[subprocess.Popen[str]]:
    """A process with text pipes, which is gone when the block ends, with all that it started."""
    process = subprocess.Popen(
        list(map(str, command)),
        env=ENV,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what a recorder launched as well
        process.communicate()


def said(stream: IO[str] | None, pattern: str) -> re.Match[str]:
    """Wait for a line that matches, on a pipe of a process; fails if the pipe ends before."""
    assert stream is not None
    heard = []
    for line in stream:
        heard.append(line)
        if match := re.search(pattern, line):
            return match
    raise AssertionError(f"no line matches {pattern!r} in {''.join(heard)!r}")


@contextlib.contextmanager
def recording_of(
    pid: int, out: Path, *options: str
) -> Iterator[tuple[subprocess.Popen[str], Recording]]:
    """gtrace-rec attached to `pid` for as long as the block runs, then stopped by SIGTERM."""
    command = [*RECORDER, "--out", str(out), "--pid", str(pid), *options]
    with running(command) as recorder:
        wait_until_recording(out)
        yield recorder, Recording(out)
        recorder.send_signal(signal.SIGTERM)
        _, talk = recorder.communicate(timeout=READY_S)
        assert recorder.returncode == 0, talk


def wait_until_recording(out: Path, seconds: float = READY_S) -> None:
    """Returns once the manifest says that a process is being recorded."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError):
            if Recording(out).manifest["processes"]:
                return
        time.sleep(0.02)
    raise AssertionError(f"{out}: nothing is recorded after {seconds} s")


def wait_for_snapshots(recording: Path, count: int) -> None:
    """Until the state of every goroutine is known."""
    deadline = time.monotonic() + READY_S
    while Recording(recording).manifest["totals"]["snapshots"] < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)
