"""The runtime's g structs of a running process, as columns.

Layout: `runtime/runtime2.go`; offsets come from the binary.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gtrace_rec._errors import UnsupportedGoError
from gtrace_rec.goruntime.process import GoProcess

# g.atomicstatus without the scan bit. Those left out are not alive: 0 idle, 6 dead, and from
# Go 1.26 on 11 deadextra; 10 leaked is also of Go 1.26: waiting, found by a goroutineleak profile.
LIVE_STATUSES = {
    1: "runnable",
    2: "running",
    3: "syscall",
    4: "waiting",
    8: "copystack",
    9: "preempted",
    10: "leaked",
}
RUNNABLE, RUNNING, SYSCALL, WAITING, PREEMPTED, LEAKED = 1, 2, 3, 4, 9, 10
_SCAN_BIT = 0x1000

_MOST = 1 << 28  # goroutines there may be; more is a length misread
_ATTEMPTS = 5


def all_gs(process: GoProcess) -> NDArray[np.uint64]:
    """Addresses of all g structs, those of ended goroutines too; none if Go has not begun yet.

    Raises UnsupportedGoError where the binary does not tell how to find them.
    """
    where = process.binary.allgs
    if where is None:
        raise UnsupportedGoError(
            f"{process.binary.path}: where its list of goroutines lies cannot be found"
        )
    for _ in range(_ATTEMPTS):
        # In this order, as the runtime's atomicAllG: the list only ever grows.
        count = process.word(process.live(where.len))
        start = process.word(process.live(where.ptr))
        if count == 0:
            return np.zeros(0, np.uint64)
        if count > _MOST:
            break
        rows, readable = process.read_rows(np.array([start], np.uint64), 8 * count)
        # A list that was outgrown while it was read is garbage, and may have been used anew.
        if readable[0] and process.word(process.live(where.ptr)) == start:
            addresses: NDArray[np.uint64] = rows.view("<u8")[0]
            return addresses
    raise UnsupportedGoError(
        f"pid {process.pid}: its list of goroutines cannot be read: {count} of them at {start:#x}"
    )


class GStructs:
    """Some g structs: a column of each field that is asked for."""

    def __init__(
        self,
        process: GoProcess,
        addresses: NDArray[np.uint64],
        rows: NDArray[np.uint8] | None = None,
    ) -> None:
        """Read them from the process, unless `rows` gives their bytes."""
        self._process = process
        self._offsets = process.binary.offsets
        self.size = self._offsets["g.sizeof"]
        self.addresses = addresses
        if rows is None:
            self._rows, self.readable = process.read_rows(addresses, self.size)
        else:
            self._rows, self.readable = rows, np.ones(len(rows), np.bool_)

    def __len__(self) -> int:
        return len(self.addresses)

    def select(self, rows: NDArray[np.bool_]) -> GStructs:
        """Only these rows of it."""
        part = GStructs(self._process, self.addresses[rows], self._rows[rows])
        part.readable = self.readable[rows]
        return part

    def has(self, field: str) -> bool:
        """This Go has the field."""
        return f"g.{field}" in self._offsets

    def column(self, field: str, inner: str | None = None) -> NDArray[np.uint64]:
        """A 64-bit field of each, "goid"; or of a struct within: "sched", "gobuf.sp"."""
        at = self._offsets[f"g.{field}"] + (self._offsets[inner] if inner else 0)
        return u64(self._rows, at)

    @cached_property
    def status(self) -> NDArray[np.uint32]:
        """The status without the scan bit."""
        at = self._offsets["g.atomicstatus"]
        return u32(self._rows, at) & np.uint32(~_SCAN_BIT & 0xFFFFFFFF)

    @cached_property
    def waitreason(self) -> NDArray[np.uint8]:
        """The number of the wait reason; a leftover unless waiting."""
        return self._rows[:, self._offsets["g.waitreason"]]

    @property
    def live(self) -> NDArray[np.bool_]:
        """It is a goroutine at present."""
        goid = self.column("goid")
        live: NDArray[np.bool_] = np.isin(self.status, list(LIVE_STATUSES)) & (goid != 0)
        return live

    @property
    def in_syscall(self) -> NDArray[np.bool_]:
        """It is in a system call, or on the way out of one: its stack begins where it entered."""
        entered: NDArray[np.bool_] = self.column("syscallsp") != 0
        return entered

    @property
    def has_stack(self) -> NDArray[np.bool_]:
        """It is off its thread, or in a system call, so that its stack lies still."""
        parked = np.isin(self.status, [RUNNABLE, WAITING, PREEMPTED, LEAKED])
        has: NDArray[np.bool_] = parked | (self.status == SYSCALL) & self.in_syscall
        return has

    @property
    def saved_sp(self) -> NDArray[np.uint64]:
        """The stack pointer where its stack begins."""
        return np.where(self.in_syscall, self.column("syscallsp"), self.column("sched", "gobuf.sp"))

    @property
    def saved_pc(self) -> NDArray[np.uint64]:
        """The pc where its stack begins."""
        return np.where(self.in_syscall, self.column("syscallpc"), self.column("sched", "gobuf.pc"))

    @property
    def saved_lr(self) -> NDArray[np.uint64]:
        """The link register there; 0 for none."""
        return np.where(self.in_syscall, np.uint64(0), self.column("sched", "gobuf.lr"))

    def same(self, other: GStructs) -> NDArray[np.bool_]:
        """Which of them did not run between this reading of them and the other.

        One that ran and came back to the very same place is told by trackingSeq, which casgstatus
        of `runtime/proc.go` adds one to whenever it ceases to run (Go 1.19 to 1.27). It has 8 bits:
        one that ran a multiple of 256 times and is in the same place again cannot be told.
        """
        same: NDArray[np.bool_] = (self._state == other._state).all(axis=1)
        return same & self.readable & other.readable

    @cached_property
    def _state(self) -> NDArray[np.uint64]:
        reason = np.where(self.status == WAITING, self.waitreason, 0)
        return np.column_stack(
            [
                self.column("goid"),
                self.status.astype(np.uint64),
                reason.astype(np.uint64),
                self._times_stopped,
                *(self.column(f) for f in ("m", "syscallsp", "syscallpc", "waiting", "labels")),
                *(self.column("sched", f) for f in ("gobuf.sp", "gobuf.pc")),
                *(self.column("stack", f) for f in ("stack.lo", "stack.hi")),
            ]
        )

    @property
    def _times_stopped(self) -> NDArray[np.uint64]:
        """How often it has ceased to run, modulo 256; 0 where this Go does not count it."""
        if not self.has("trackingSeq"):
            return np.zeros(len(self), np.uint64)
        return self._rows[:, self._offsets["g.trackingSeq"]].astype(np.uint64)


def u64(rows: NDArray[np.uint8], at: int) -> NDArray[np.uint64]:
    """The 64-bit word at this offset of each row of bytes."""
    words: NDArray[np.uint64] = np.ascontiguousarray(rows[:, at : at + 8]).view("<u8")
    return words[:, 0]


def u32(rows: NDArray[np.uint8], at: int) -> NDArray[np.uint32]:
    """The 32-bit word at this offset of each row of bytes."""
    words: NDArray[np.uint32] = np.ascontiguousarray(rows[:, at : at + 4]).view("<u4")
    return words[:, 0]
