"""What is to be known of the Go programs that run, without recording them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gtrace_rec import procfs
from gtrace_rec._errors import GtraceError
from gtrace_rec.goruntime import GoBinary
from gtrace_rec.goruntime.check import check_offsets
from gtrace_rec.goruntime.gstructs import GStructs, all_gs
from gtrace_rec.goruntime.process import GoProcess
from gtrace_rec.target import go_processes

_CHUNK = 4096  # goroutines read at a time


@dataclass(frozen=True)
class RunningGo:
    """One Go program that runs; what could not be found out is None."""

    pid: int
    argv: list[str]
    go_version: str | None
    stripped: bool | None
    goroutines: int | None  # the runtime's own included
    problem: str | None  # why it cannot be recorded


def running_go() -> Iterator[RunningGo]:
    """Every Go program that this user may look at, by rising pid."""
    for pid, argv, binary in go_processes():
        if isinstance(binary, GoBinary):
            goroutines, problem = look_into(pid, binary)
            yield RunningGo(pid, argv, binary.go_version, binary.stripped, goroutines, problem)
        else:
            message = str(binary).removeprefix(f"{procfs.exe_path(pid)}: ")
            yield RunningGo(pid, argv, None, None, None, message)


def look_into(pid: int, binary: GoBinary) -> tuple[int | None, str | None]:
    """How many goroutines live in a process, if that can be told, and why not to record it."""
    bias = procfs.load_bias(pid, binary) if binary.pie else 0
    if bias is None:
        return None, "ended"
    process = GoProcess(pid, binary, bias)
    try:
        check_offsets(process)
        return count_goroutines(process), None
    except GtraceError as e:
        with contextlib.suppress(GtraceError):
            return count_goroutines(process), str(e)
        return None, str(e)


def count_goroutines(process: GoProcess) -> int:
    """How many goroutines live. Raises GtraceError's children where they cannot be read."""
    addresses = all_gs(process)
    return sum(
        int(np.count_nonzero(GStructs(process, addresses[start : start + _CHUNK]).live))
        for start in range(0, len(addresses), _CHUNK)
    )
