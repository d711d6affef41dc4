"""All goroutines of a running process, read from its memory.

The process is never stopped. Each goroutine is read twice, before and after its stack and all else
it points at: where the two differ it ran meanwhile, and is read again. One that came back to the
very same place between the two cannot be told from one that never left it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gtrace_rec.goruntime.gstructs import (
    LEAKED,
    LIVE_STATUSES,
    PREEMPTED,
    RUNNABLE,
    RUNNING,
    SYSCALL,
    WAITING,
    GStructs,
    all_gs,
)
from gtrace_rec.goruntime.homes import kept_waiters
from gtrace_rec.goruntime.labels import Labels, read_labels
from gtrace_rec.goruntime.process import GoProcess
from gtrace_rec.goruntime.unwind import StackStarts, Unwinder, Unwound
from gtrace_rec.goruntime.waits import Waits
from gtrace_rec.schema import GOROUTINES

_CHUNK = 1024  # goroutines between the two readings; as many as one system call can read
_ATTEMPTS = 5
_STACK_DEPTH = 64
_STATUS_NAMES = [LIVE_STATUSES.get(i, "") for i in range(max(LIVE_STATUSES) + 1)]

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

_NUMBERS = ("ts", "goid", "waitsince", "parent_goid", "gopc", "startpc", "obj", "tid")
_CHANNEL = ("chan_len", "chan_cap", "chan_closed")  # -1 where unknown
_ROW = np.dtype(
    [
        *((name, "<i8") for name in (*_NUMBERS, *_CHANNEL)),
        *((name, "<i4") for name in ("status", "reason", "stack")),
        ("certain", "?"),
    ]
)


Keeps = Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]]


@dataclass
class Snapshot:
    """Goroutines as they were, each at its own `ts`.

    `stacks` are the distinct stacks of lookup addresses (schema.py), innermost first; a row's
    `stack` is the index of its own, -1 for none.
    """

    pid: int
    rows: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, _ROW))
    labels: list[Labels | None] = field(default_factory=list)
    select: list[list[int] | None] = field(default_factory=list)
    stacks: list[NDArray[np.int64]] = field(default_factory=list)
    wait_reasons: tuple[str, ...] = ()
    unreachable: NDArray[np.int8] | None = None  # by reach.find_unreachable

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, number: int, stack_ids: list[int]) -> pa.RecordBatch:
        """The table `goroutines` of schema.py, as snapshot `number` of its recording.

        `stack_ids` gives each of `stacks` its number in the recording.
        """
        r = self.rows
        none = pa.nulls(len(r))
        numbers = np.array([*stack_ids, -1], np.int32)  # the last is that of index -1
        if self.unreachable is None:
            reachable = none
        else:
            reachable = pa.array(self.unreachable == 0, mask=self.unreachable < 0)
        columns = dict.fromkeys(GOROUTINES.names, none) | {
            "reachable": reachable,
            "snapshot": np.full(len(r), number, np.int32),
            "pid": np.full(len(r), self.pid, np.int32),
            "status": _names(r["status"], _STATUS_NAMES),
            "reason": _names(r["reason"], self.wait_reasons),
            "stack_id": pa.array(numbers[r["stack"]], mask=r["stack"] < 0),
            "labels": [None if x is None else list(x.items()) for x in self.labels],
            "select_objs": self.select,
            "certain": r["certain"],
            **{name: pa.array(r[name], mask=r[name] == 0) for name in _NUMBERS},
            **{name: pa.array(r[name], mask=r[name] < 0) for name in _CHANNEL},
        }
        return pa.RecordBatch.from_arrays(
            [_array(columns[f.name], f.type) for f in GOROUTINES], schema=GOROUTINES
        )


def _array(values: object, type_: pa.DataType) -> pa.Array:
    return values.cast(type_) if isinstance(values, pa.Array) else pa.array(values, type_)


def _names(numbers: NDArray[np.int32], names: Sequence[str]) -> pa.Array:
    """Names by number; NULL for those that have none."""
    known = np.array([bool(name) for name in names] + [False])
    unknown = ~known[np.minimum(numbers, len(names))]
    codes = pa.array(np.where(unknown, 0, numbers).astype(np.int8), mask=unknown)
    return pa.DictionaryArray.from_arrays(codes, pa.array(names, pa.string()))


def take_snapshot(
    process: GoProcess,
    max_depth: int = _STACK_DEPTH,
    between: Callable[[], None] = lambda: None,
    keeps: Keeps | None = None,
) -> Snapshot:
    """Read all goroutines, those of the runtime itself too; stacks to at most `max_depth` frames.

    `between` is called after every thousand goroutines or so, which take some milliseconds.
    `keeps` tells from goids, start functions and go statements which goroutines are wanted.
    Empty if Go has not begun yet. Raises TargetError if the process is gone, UnsupportedGoError
    where its goroutines cannot be found.
    """
    reader = _Reader(process, max_depth, keeps)
    addresses = all_gs(process)
    for start in range(0, len(addresses), _CHUNK):
        reader.read(addresses[start : start + _CHUNK])
        between()
    return reader.snapshot()


@dataclass
class _Reading:
    """One reading of some goroutines."""

    rows: NDArray[np.void]
    labels: NDArray[np.object_]
    select: NDArray[np.object_]


class _Reader:
    def __init__(self, process: GoProcess, max_depth: int, keeps: Keeps | None) -> None:
        self._process = process
        self._keeps = keeps
        self._max_depth = max_depth
        self._unwinder = Unwinder(process)
        self._waits = Waits(process)
        binary = process.binary
        self._channel_reasons = _numbers(binary.wait_reasons, ("chan receive", "chan send"))
        self._select_reasons = _numbers(binary.wait_reasons, ("select",))
        self._self_waits = _numbers(binary.wait_reasons, _SELF_WAITS)
        self._waiters = kept_waiters(binary)
        self._stack_index: dict[bytes, int] = {}
        self._taken: list[_Reading] = []

    def snapshot(self) -> Snapshot:
        """All that was read."""
        return Snapshot(
            self._process.pid,
            np.concatenate([t.rows for t in self._taken] or [np.zeros(0, _ROW)]),
            [x for t in self._taken for x in t.labels],
            [x for t in self._taken for x in t.select],
            [np.frombuffer(pcs, np.int64) for pcs in self._stack_index],
            self._process.binary.wait_reasons,
        )

    def read(self, addresses: NDArray[np.uint64]) -> None:
        """Take these goroutines, as often as it needs for them to hold still."""
        for attempt in range(1, _ATTEMPTS + 1):
            gs = GStructs(self._process, addresses)
            gs = gs.select(gs.live & gs.readable)
            stacks = self._unwind(gs)
            reading = self._details(gs, stacks)
            # Between the two readings: what had happened by now is in the row, the rest is not.
            reading.rows["ts"] = time.monotonic_ns()
            again = GStructs(self._process, gs.addresses)
            same = (gs.state == again.state).all(axis=1) & again.readable
            reading.rows["certain"] = same
            unwound = stacks.complete | ~self._has_stack(gs)
            take = same & unwound
            if attempt == _ATTEMPTS:
                reading.rows["obj"][~same] = 0
                take[:] = True
            addresses = gs.addresses[~take]
            if self._keeps:
                columns = (reading.rows[name] for name in ("goid", "startpc", "gopc"))
                take &= self._keeps(*columns)
            rows = reading.rows[take]
            for i, row in enumerate(np.flatnonzero(take).tolist()):
                if same[row] and stacks.complete[row]:
                    pcs = stacks.pcs[row, : stacks.depth[row]].tobytes()
                    rows["stack"][i] = self._stack_index.setdefault(pcs, len(self._stack_index))
            self._taken.append(_Reading(rows, reading.labels[take], reading.select[take]))
            if not len(addresses):
                return

    @staticmethod
    def _has_stack(gs: GStructs) -> NDArray[np.bool_]:
        """It is off its thread, or in a system call, so that its stack lies still."""
        parked = np.isin(gs.status, [RUNNABLE, WAITING, PREEMPTED, LEAKED])
        has: NDArray[np.bool_] = parked | (gs.status == SYSCALL) & (gs.column("syscallsp") != 0)
        return has

    def _unwind(self, gs: GStructs) -> Unwound:
        in_syscall = gs.column("syscallsp") != 0
        zero = np.uint64(0)
        sp = np.where(in_syscall, gs.column("syscallsp"), gs.column("sched", "gobuf.sp"))
        return self._unwinder.unwind(
            StackStarts(
                pc=np.where(in_syscall, gs.column("syscallpc"), gs.column("sched", "gobuf.pc")),
                sp=np.where(self._has_stack(gs), sp, zero),
                lr=np.where(in_syscall, zero, gs.column("sched", "gobuf.lr")),
                lo=gs.column("stack", "stack.lo"),
                hi=gs.column("stack", "stack.hi"),
            ),
            self._max_depth,
        )

    def _details(self, gs: GStructs, stacks: Unwound) -> _Reading:
        """Everything but ts, stack and certain."""
        bias = self._process.load_bias
        rows = np.zeros(len(gs), _ROW)
        rows["stack"] = -1
        rows["goid"] = gs.column("goid")
        rows["waitsince"] = gs.column("waitsince")
        if gs.has("parentGoid"):
            rows["parent_goid"] = gs.column("parentGoid")
        gopc, startpc = gs.column("gopc"), gs.column("startpc")
        rows["gopc"] = np.where(gopc != 0, gopc.astype(np.int64) - bias - 1, 0)
        rows["startpc"] = np.where(startpc != 0, startpc.astype(np.int64) - bias, 0)
        status = gs.status.copy()
        m = gs.column("m")
        on_thread = (m != 0) & (self._process.words_at(m, "m.curg") == gs.addresses)
        tids = self._process.words_at(np.where(on_thread, m, np.uint64(0)), "m.procid")
        rows["tid"] = tids.astype(np.int64)
        self_wait = np.isin(gs.waitreason, self._self_waits) | ~stacks.parked
        status[(status == WAITING) & on_thread & self_wait] = RUNNING
        waiting = np.isin(status, [WAITING, LEAKED])
        rows["status"] = status
        rows["reason"] = np.where(waiting, gs.waitreason, 0)
        select = self._objects(gs, waiting, stacks, rows)
        found = read_labels(self._process, gs.column("labels"))
        labels = np.array([found.get(p) for p in gs.column("labels").tolist()] + [None], object)
        return _Reading(rows, labels[:-1], select)

    def _objects(
        self, gs: GStructs, waiting: NDArray[np.bool_], stacks: Unwound, rows: NDArray[np.void]
    ) -> NDArray[np.object_]:
        """Fill in what each waits on; the channels of those in a select are returned."""
        nothing = np.uint64(0)
        on_channel = waiting & np.isin(gs.waitreason, self._channel_reasons)
        sudogs = np.where(on_channel, gs.column("waiting"), nothing)
        channels = self._waits.channel(sudogs)
        states = self._waits.states(channels)
        rows["chan_len"], rows["chan_cap"] = states.length, states.capacity
        rows["chan_closed"] = states.closed
        slots = np.zeros(len(gs), np.uint64)
        for waiter, function in self._waiters:
            caller = stacks.pcs[:, waiter.frames]
            there = stacks.parked & (caller >= function.entry) & (caller < function.end)
            slots[waiting & there] = stacks.arguments[waiting & there, waiter.frames]
        rows["obj"] = channels.astype(np.int64) | self._process.words(slots).astype(np.int64)
        selecting = waiting & np.isin(gs.waitreason, self._select_reasons)
        chosen = np.where(selecting, gs.column("waiting"), nothing)
        lists = self._waits.select(chosen)
        found = np.full(len(gs), None, object)
        for row in np.flatnonzero(chosen).tolist():
            found[row] = lists[row]
        return found


def _numbers(names: tuple[str, ...], wanted: tuple[str, ...]) -> list[int]:
    """The numbers of the wait reasons that begin as one of these."""
    return [i for i, name in enumerate(names) if name.startswith(wanted)]
