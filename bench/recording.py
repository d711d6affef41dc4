"""Runs the recorder as its user does, and says what it took."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow.parquet as pq

ROOT = Path(__file__).parent.parent
PROC = Path("/proc")


@dataclass(frozen=True)
class Recorded:
    """A finished recording: what it holds, and the processor time of the recorder's whole life."""

    manifest: dict[str, Any]
    cpu: float
    bytes: int
    ring_fullest: float  # share of the ring

    @property
    def events(self) -> int:
        """Events recorded."""
        return int(self.manifest["totals"]["events"])

    @property
    def lost(self) -> int:
        """Events lost."""
        return int(self.manifest["totals"]["lost_ring"])

    @property
    def seconds(self) -> float:
        """How long it recorded."""
        return float(self.manifest["stopped_ts"] - self.manifest["started_ts"]) / 1e9


@dataclass(frozen=True)
class Memory:
    """Bytes: all that is resident, the same without the ring, and of that what is in no file."""

    resident: int
    without_ring: int
    anonymous: int


class Recording:
    """A recorder at work; `path` is removed with it."""

    def __init__(self, *arguments: str, module: str = "gtrace_rec") -> None:
        """Returns once it records. `arguments` are the recorder's, but for --out."""
        self._folder = Path(tempfile.mkdtemp(prefix="gtrace-bench-"))
        self.path = self._folder / "trace.parquet"
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, "--out", str(self.path), *arguments],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        self.pid = self._process.pid
        assert self._process.stderr is not None
        line = self._process.stderr.readline()
        if ": recording " not in line:
            raise RuntimeError(line + self._process.stderr.read())

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()
        assert self._process.stderr is not None
        self._process.stderr.close()
        shutil.rmtree(self._folder)

    def stop(self) -> Recorded:
        """End it as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self) -> Recorded:
        """Wait until it has ended by itself."""
        _, status, used = os.wait4(self.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        manifest = json.loads((self.path / "_manifest.json").read_text(encoding="utf-8"))
        size = sum(f.stat().st_size for f in self.path.rglob("*") if f.is_file())
        health = pq.read_table(self.path / "_health.parquet", columns=["ring_fill"])
        fullest = max(health.column(0).to_pylist(), default=0.0)
        return Recorded(manifest, used.ru_utime + used.ru_stime, size, fullest)

    def processor_time(self) -> float:
        """Seconds of processor time the recorder has used until now."""
        fields = (PROC / str(self.pid) / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> Memory:
        """What the recorder holds now."""
        resident = ring = anonymous = 0
        here = ""
        for line in (PROC / str(self.pid) / "smaps").read_text().splitlines():
            key, _, rest = line.partition(":")
            if " " in key:  # the line that begins a mapping
                here = line
            elif key == "Rss":
                size = int(rest.split()[0]) << 10
                resident += size
                ring += size if here.endswith("bpf-map") else 0
            elif key == "Anonymous":
                anonymous += int(rest.split()[0]) << 10
        return Memory(resident, resident - ring, anonymous)


def wait_for(what: Callable[[], bool], seconds: float = 60) -> None:
    """Return once it is so. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise TimeoutError(what.__name__)
        time.sleep(0.02)
