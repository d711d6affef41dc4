"""When the kernel had a program's threads do something else than run the program.

Two observers that note the same transition a microsecond apart in the program's own time can be
milliseconds apart on the clock: the kernel may run another thread in between, or an interrupt. Its
tracepoints say when it did. They are read through tracefs, in CLOCK_MONOTONIC.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_TRACEFS = Path("/sys/kernel/tracing")
_SWITCH = "sched/sched_switch"
_INTERRUPTS = (  # as far as this machine has them
    *("irq/irq_handler", "irq/softirq"),
    *("irq_vectors/local_timer", "irq_vectors/reschedule", "irq_vectors/call_function"),
    *("irq_vectors/call_function_single", "irq_vectors/irq_work"),
)
_LINE = re.compile(
    r"-(\d+) +\[\d+\] .{5} +(\d+)\.(\d{6}): (?:\w+_(entry|exit)|"
    r"sched_switch: prev_comm=.* prev_pid=(\d+) .* next_pid=(\d+) next_prio)"
)
_BUFFER_KB = 1 << 15


def available() -> bool:
    """Whether the kernel's tracepoints can be had."""
    return (_TRACEFS / "events" / _SWITCH).is_dir()


class Interludes:
    """Times at which a thread named `comm` did not run its program."""

    def __init__(self, comm: str) -> None:
        self._comm = comm
        self.spans = pd.DataFrame({"tid": [], "ts": [], "ts_end": []}, dtype="int64")

    @contextlib.contextmanager
    def recorded(self) -> Iterator[None]:
        """Record, in an instance of tracefs of its own, from entering to leaving."""
        instance = _TRACEFS / "instances" / f"conformance-{os.getpid()}"
        instance.mkdir()
        try:
            (instance / "trace_clock").write_text("mono")
            (instance / "buffer_size_kb").write_text(str(_BUFFER_KB))
            self._enable(instance / "events")
            yield
            (instance / "tracing_on").write_text("0")
            self.spans = _spans((instance / "trace").read_text())
        finally:
            instance.rmdir()

    def _enable(self, events: Path) -> None:
        name = self._comm
        (events / _SWITCH / "filter").write_text(f'prev_comm=="{name}" || next_comm=="{name}"')
        (events / _SWITCH / "enable").write_text("1")
        for interrupt in _INTERRUPTS:
            for event in (events / f"{interrupt}_entry", events / f"{interrupt}_exit"):
                if event.is_dir():
                    (event / "filter").write_text(f'comm=="{name}"')
                    (event / "enable").write_text("1")

    def within(
        self, tid: NDArray[np.int64], ts: NDArray[np.int64], ts_end: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """For each row, how much of [ts, ts_end) the thread did something else, in ns."""
        total = np.zeros(len(tid), np.int64)
        for thread, spans in self.spans.groupby("tid"):
            rows = np.flatnonzero(tid == thread)
            starts, ends = spans.ts.to_numpy(), spans.ts_end.to_numpy()
            total[rows] = _before(starts, ends, ts_end[rows]) - _before(starts, ends, ts[rows])
        return total


def _spans(text: str) -> pd.DataFrame:
    """One row for each interlude of a thread: `tid`, `ts`, `ts_end`, ns CLOCK_MONOTONIC."""
    switches, interrupts = [], []
    for tid, seconds, micros, irq, prev, after in _LINE.findall(text):
        ts = int(seconds) * 10**9 + int(micros) * 1000
        if irq:
            interrupts.append((int(tid), ts, irq == "entry"))
        else:
            switches += [(int(prev), ts, True), (int(after), ts, False)]
    # Softirqs lie within interrupts, and both may lie at the edge of a switch.
    spans = pd.concat([_pairs(switches), _pairs(interrupts)]).sort_values(["tid", "ts"])
    behind = spans.groupby("tid").ts_end.cummax()
    new = spans.ts > behind.groupby(spans.tid).shift(1, fill_value=-1)
    merged = spans.groupby(new.cumsum()).agg(
        tid=("tid", "first"), ts=("ts", "first"), ts_end=("ts_end", "max")
    )
    return merged[merged.tid != 0]


def _pairs(steps: list[tuple[int, int, bool]]) -> pd.DataFrame:
    """The spans from each beginning to the next end of the same thread."""
    frame = pd.DataFrame(steps, columns=pd.Index(["tid", "ts", "begins"]))
    frame = frame.sort_values(["tid", "ts"], kind="stable")
    ends = frame.ts.where(~frame.begins.astype(bool)).groupby(frame.tid).bfill()
    spans = frame.assign(ts_end=ends)[frame.begins.astype(bool) & ends.notna()]
    return spans[["tid", "ts", "ts_end"]].astype("int64")


def _before(
    starts: NDArray[np.int64], ends: NDArray[np.int64], moment: NDArray[np.int64]
) -> NDArray[np.int64]:
    """How much of the spans, which are disjoint and in order, lies before each moment."""
    whole = np.concatenate([[0], np.cumsum(ends - starts)])
    begun = np.searchsorted(starts, moment)
    last = np.maximum(begun - 1, 0)
    open_part = np.where(begun > 0, np.maximum(ends[last] - moment, 0), 0)
    result: NDArray[np.int64] = whole[begun] - open_part
    return result
