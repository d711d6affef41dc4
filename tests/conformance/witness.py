"""What Go's own execution tracer saw, as a table of goroutines' transitions.

``go tool trace -d=parsed`` of the newest toolchain prints the traces of every Go in one form
(``internal/trace/event.go``, ``Event.String``). From Go 1.22 on its times are those of the
runtime's ``nanotime``, which is CLOCK_MONOTONIC, rounded down to 64 ns (``runtime/tracetime.go``,
``traceTimeDiv``); where two events would be of the same time, the later one is moved on. Since Go
1.25 the trace says so itself: its Sync event gives one moment on both clocks. Before Go 1.22 they
are ticks of the processor since the trace began, scaled to ns.
"""

from __future__ import annotations

import dataclasses
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import toolchains

_TRANSITION = re.compile(
    r"M=(-?\d+) P=(-?\d+) G=(-?\d+) StateTransition Time=(\d+) "
    r'GoID=(\d+) (\w+)->(\w+) Reason="(.*)"'
)
_SYNC = re.compile(r"M=-1 .* Sync Time=(-?\d+) N=\d+(?: Trace=(\d+) Mono=(\d+))?")
_MARK = re.compile(r'M=.* Log Time=(\d+) .*Category="witness" Message="(begin|end) (\w+)"')
_FRAME = re.compile(r"^\t(\S.*) @ 0x[0-9a-f]+$", re.MULTILINE)
_OWN, _THEIRS = "TransitionStack=\n", "\nStack=\n"
TICK = 64  # ns, of the clock from Go 1.22 on
_HALF_PAUSE = 2_500_000  # ns; mark in programs/witness/main.go

COLUMNS = ("ts", "goid", "old", "new", "reason", "by", "tid", "proc", "own_stack", "by_stack")


@dataclass(frozen=True)
class Trace:
    """One trace.

    `transitions` has one row for each transition of a goroutine, in the order in which they
    happened. `by` is the goroutine that did it (0: none) on thread `tid` with P `proc` (-1: none),
    `own_stack` that of the goroutine it happened to, `by_stack` that of the one that did it: names
    of functions, innermost first.

    `windows` are, by workload, from when to when it was at work: in the middle of the pauses that
    the program makes after marking the beginning and before marking the end.
    `clock_distance` says how far, in ns, the trace's clock was from CLOCK_MONOTONIC, where the
    trace knows.
    """

    transitions: pd.DataFrame
    windows: dict[str, tuple[int, int]]
    clock_distance: tuple[int, ...]
    monotonic: bool


def read(trace: Path) -> Trace:
    """Parse the trace, as ``go tool trace`` prints it."""
    command = [str(toolchains.toolchain(toolchains.NEWEST)), "tool", "trace", "-d=parsed"]
    rows, marks, distances, monotonic = [], {}, [], True
    for block in _blocks([*command, str(trace)]):
        if match := _TRANSITION.match(block):
            rows.append(_row(block, match))
        elif match := _MARK.match(block):
            ts, what, workload = match.groups()
            marks[what, workload] = int(ts)
        elif match := _SYNC.match(block):
            first, ours, mono = match.groups()
            monotonic &= first != "-1"
            if mono:
                distances.append(int(ours) - int(mono))
    return Trace(
        transitions=pd.DataFrame(rows, columns=pd.Index(COLUMNS)),
        windows={
            name: (ts + _HALF_PAUSE, marks["end", name] - _HALF_PAUSE)
            for (what, name), ts in marks.items()
            if what == "begin"
        },
        clock_distance=tuple(distances),
        monotonic=monotonic,
    )


def _blocks(command: list[str]) -> Iterator[str]:
    """What the command prints of each event: a line, and indented ones that belong to it."""
    with subprocess.Popen(
        command, env=toolchains.go_env(toolchains.Mode()), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        lines: list[str] = []
        for line in process.stdout:
            if line.startswith("M=") and lines:
                yield "".join(lines)
                lines.clear()
            lines.append(line)
        yield "".join(lines)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def _row(block: str, match: re.Match[str]) -> tuple[Any, ...]:
    """The transition that a block tells of, as COLUMNS."""
    thread, proc, by, ts, goid, old, new, reason = match.groups()
    own, _, theirs = block.partition(_THEIRS)
    return (
        *(int(ts), int(goid), old, new, reason),
        *(max(int(by), 0), int(thread), int(proc)),
        *(_frames(own) if _OWN in own else (), _frames(theirs)),
    )


def _frames(text: str) -> tuple[str, ...]:
    return tuple(_FRAME.findall(text))


def on_monotonic_clock(trace: Trace, created: pd.Series) -> Trace:
    """A trace from before Go 1.22 on CLOCK_MONOTONIC, by when the recording saw goroutines created.

    `created` are the times of creation by goid. A straight line is laid through the medians of the
    earlier and the later half, so that single creations that were interrupted do not count.
    """
    births = trace.transitions[trace.transitions.old == "NotExist"]
    pairs = births[["goid", "ts"]].merge(created.rename("mono"), left_on="goid", right_index=True)
    pairs = pairs.sort_values("ts")
    distance = pairs.mono - pairs.ts
    half = len(pairs) // 2
    x = [pairs.ts.iloc[:half].median(), pairs.ts.iloc[half:].median()]
    y = [distance.iloc[:half].median(), distance.iloc[half:].median()]
    drift, offset = np.polyfit(x, y, 1)

    def converted(ts: pd.Series) -> pd.Series:
        return (ts + offset + drift * ts).round().astype("int64")

    return dataclasses.replace(
        trace,
        transitions=trace.transitions.assign(ts=converted(trace.transitions.ts)),
        windows={
            name: (int(first), int(last))
            for name, (first, last) in (
                (name, converted(pd.Series(window))) for name, window in trace.windows.items()
            )
        },
    )
