"""Reads all goroutines of a running process, which is never stopped.

What must fit together is read at one glance (`glimpse`). What a goroutine's fields lead to, such as
the length of a channel, is read later, and believed only if the goroutine is still where it was.
One that did not hold still is looked at again; after the last attempt it is marked.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gtrace_rec.goruntime.glimpse import Glimpse
from gtrace_rec.goruntime.gstructs import LEAKED, RUNNING, WAITING, GStructs, all_gs
from gtrace_rec.goruntime.labels import Labels, read_labels
from gtrace_rec.goruntime.process import GoProcess
from gtrace_rec.goruntime.snapshot import ROW, Snapshot
from gtrace_rec.goruntime.unwind import Unwinder, Unwound
from gtrace_rec.goruntime.waits import Waits

STACK_DEPTH = 64
_CHUNK = 1024  # goroutines at a glance
_ATTEMPTS = 3

# The runtime calls these waiting, but the goroutine keeps its thread and works on it: casGToWaiting
# and its like in runtime/proc.go.
_SELF_WAITS = (
    "GC assist marking",
    "GC mark termination",
    "GC worker (active)",
    "dumping heap",
    "flushing proc caches",
    "garbage collection scan",
    "page trace flush",
    "stopping the world",
    "trace goroutine status",
    "trace proc status",
)

# From goids, start functions and go statements: which goroutines are wanted.
Keeps = Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]]


def take_snapshot(
    process: GoProcess,
    max_depth: int = STACK_DEPTH,
    between: Callable[[], None] = lambda: None,
) -> Snapshot:
    """One snapshot of a process; see GoroutineReader.take."""
    return GoroutineReader(process, max_depth).take(between)


class GoroutineReader:
    """Takes snapshots of one process, stacks to at most `max_depth` frames."""

    def __init__(self, process: GoProcess, max_depth: int = STACK_DEPTH) -> None:
        self.process = process
        self._max_depth = max_depth
        self._unwinder = Unwinder(process)
        self._waits = Waits(process)
        names = process.binary.wait_reasons
        self._self_waits = [i for i, name in enumerate(names) if name in _SELF_WAITS]

    def take(
        self, between: Callable[[], None] = lambda: None, keeps: Keeps | None = None
    ) -> Snapshot:
        """Read all goroutines, those of the runtime itself too, or those that `keeps` wants.

        `between` is called after every thousand goroutines or so, which take some milliseconds.
        Empty if Go has not begun yet. Raises TargetError if the process is gone,
        UnsupportedGoError where its goroutines cannot be found.
        """
        taken = _Taken(keeps)
        addresses = all_gs(self.process)
        for start in range(0, len(addresses), _CHUNK):
            self._read(addresses[start : start + _CHUNK], taken)
            between()
        return taken.snapshot(self.process)

    def _read(self, addresses: NDArray[np.uint64], taken: _Taken) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            seen = GStructs(self.process, addresses)
            view = Glimpse(self.process, seen.select(seen.live))
            gs = view.gs
            stacks = self._unwinder.unwind(view, self._max_depth)
            rows = self._rows(view, stacks)
            waiting = np.isin(rows["status"], [WAITING, LEAKED])
            select = self._waits.fill(rows, view, stacks, waiting)
            labels = read_labels(self.process, gs.column("labels"))
            after = GStructs(self.process, gs.addresses)
            stayed = gs.same(after)
            has_stack = view.still & stacks.complete & (stayed | ~stacks.later)
            take = view.still & (has_stack | ~gs.has_stack) & (stayed | ~waiting)
            if attempt == _ATTEMPTS:  # what could not be made sure of by now stays unknown
                take[:] = True
                rows["obj"][~view.still] = 0
                for name in ("chan_len", "chan_cap", "chan_closed", "holders"):
                    rows[name][~stayed] = -1
                select[~stayed] = None
            labelled = gs.column("labels") == after.column("labels")
            label = np.where(labelled, gs.column("labels"), np.uint64(0)).tolist()
            taken.add(
                take & gs.live, rows, [labels.get(p) for p in label], select, stacks, has_stack
            )
            addresses = gs.addresses[~take]
            if not len(addresses):
                return

    def _rows(self, view: Glimpse, stacks: Unwound) -> NDArray[np.void]:
        """All that does not lead further than to the thread."""
        gs, bias = view.gs, self.process.load_bias
        rows = np.zeros(len(gs), ROW)
        rows["stack"], rows["holders"] = -1, -1
        rows["ts"], rows["certain"] = view.ts, view.still
        rows["goid"], rows["waitsince"] = gs.column("goid"), gs.column("waitsince")
        if gs.has("parentGoid"):
            rows["parent_goid"] = gs.column("parentGoid")
        gopc, startpc = gs.column("gopc").astype(np.int64), gs.column("startpc").astype(np.int64)
        rows["gopc"] = np.where(gopc != 0, gopc - bias - 1, 0)
        rows["startpc"] = np.where(startpc != 0, startpc - bias, 0)
        rows["tid"] = self._tids(np.where(view.on_thread, view.of_m("procid"), np.uint64(0)))
        working = view.on_thread & (np.isin(gs.waitreason, self._self_waits) | ~stacks.parked)
        status = np.where((gs.status == WAITING) & working, RUNNING, gs.status)
        rows["status"] = status
        rows["reason"] = np.where(np.isin(status, [WAITING, LEAKED]), gs.waitreason, 0)
        return rows

    def _tids(self, own: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Thread ids as this process knows them, of those that the target knows."""
        if not self.process.lives_apart:
            return own.astype(np.int64)
        ours = self.process.threads()
        return np.array([ours.get(tid, 0) for tid in own.tolist()], np.int64)


class _Taken:
    """What was read so far."""

    def __init__(self, keeps: Keeps | None) -> None:
        self._keeps = keeps
        self._rows = [np.zeros(0, ROW)]
        self._labels: list[Labels | None] = []
        self._select: list[list[int] | None] = []
        self._stacks: dict[bytes, int] = {}

    def add(
        self,
        take: NDArray[np.bool_],
        rows: NDArray[np.void],
        labels: list[Labels | None],
        select: NDArray[np.object_],
        stacks: Unwound,
        has_stack: NDArray[np.bool_],
    ) -> None:
        """Add the rows of `take`, with the stacks of those that have one."""
        if self._keeps:
            take = take & self._keeps(rows["goid"], rows["startpc"], rows["gopc"])
        for row in np.flatnonzero(take & has_stack).tolist():
            pcs = stacks.pcs[row, : stacks.depth[row]].tobytes()
            rows["stack"][row] = self._stacks.setdefault(pcs, len(self._stacks))
        self._rows.append(rows[take])
        chosen = np.flatnonzero(take).tolist()
        self._labels += [labels[row] for row in chosen]
        self._select += [select[row] for row in chosen]

    def snapshot(self, process: GoProcess) -> Snapshot:
        """All of it."""
        return Snapshot(
            process.pid,
            np.concatenate(self._rows),
            self._labels,
            self._select,
            [np.frombuffer(pcs, np.int64) for pcs in self._stacks],
            process.binary.wait_reasons,
        )
