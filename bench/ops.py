"""The program that is measured while it makes almost only one kind of scheduler event."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests import toolchains

PROGRAMS = Path(__file__).parent / "programs"


def build(name: str = "ops") -> Path:
    """A program of bench/programs, built by the newest Go."""
    return toolchains.build(toolchains.NEWEST, PROGRAMS / name)


def environment(threads: int, *, gc: bool = False) -> dict[str, str]:
    """Runs Go on so many threads at once, by default without garbage collection."""
    return os.environ | {"GOMAXPROCS": str(threads)} | ({} if gc else {"GOGC": "off"})


@dataclass(frozen=True)
class Took:
    """What a piece of work took, in seconds."""

    cpu: float
    wall: float


class Ops:
    """The program `ops`, waiting for work; of `folder` if there is one, a copy made there."""

    def __init__(self, threads: int = 1, folder: Path | None = None) -> None:
        self.path = str(shutil.copy(build(), folder) if folder else build())
        self._process = subprocess.Popen(
            [self.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(threads),
        )
        self.pid = self._process.pid

    def __enter__(self) -> Ops:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def do(self, work: str, times: int, depth: int = 5) -> Took:
        """Have it do `work` so many times, under `depth` frames of its own."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{work} {times} {depth}\n")
        self._process.stdin.flush()
        cpu, wall = self._process.stdout.readline().split()
        return Took(int(cpu) / 1e9, int(wall) / 1e9)
