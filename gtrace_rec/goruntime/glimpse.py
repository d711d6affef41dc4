"""Some goroutines at one glance: what must be read within a moment to fit together.

For each goroutine its g struct, its thread's m struct, the top of its stack, what it waits in line
with (its first sudog) and the g struct again are read by one system call, one right behind the
other, which takes about a microsecond. Where both readings of the g are alike, it held still in
between.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from gtrace_rec.goruntime.gstructs import GStructs, u64
from gtrace_rec.goruntime.process import GoProcess

# How much of a stack is read at a time: most parked goroutines use less.
WINDOW = 4096
# As much of it is below the stack pointer that was seen first, should the goroutine have moved on.
_BELOW = 512

_FIRST, _M, _STACK, _SUDOG, _AGAIN = range(5)


class Glimpse:
    """One reading of goroutines that were seen before in `seen`.

    `gs` are the g structs, and `still` says which of the goroutines held still. `stack_size` bytes
    of each stack from `stack_start` on are in `stacks`; `ms` are valid where `has_m`, `sudogs`
    where `has_sudog`. `ts` is a moment just after it all.
    """

    def __init__(self, process: GoProcess, seen: GStructs) -> None:
        o, count = process.binary.offsets, len(seen)
        self.stack_start, stack_size = _window(seen)
        m, sudog = seen.column("m"), seen.column("waiting")
        pieces = [seen.addresses, m, self.stack_start, sudog, seen.addresses]
        m_size = max(o["m.curg"], o["m.procid"]) + 8
        room = np.array([seen.size, m_size, WINDOW, o["sudog.sizeof"], seen.size])
        ends = np.cumsum(room)
        buffer = np.zeros((count, ends[-1]), np.uint8)
        sizes = np.tile(room.astype(np.uint64), (count, 1))
        sizes[:, _STACK] = stack_size
        at = np.arange(count)[:, None] * ends[-1] + (ends - room)
        readable = process.read_into(
            buffer, at.astype(np.uint64).ravel(), np.column_stack(pieces).ravel(), sizes.ravel()
        ).reshape(count, len(pieces))
        self.ts = time.monotonic_ns()
        first, self.ms, stacks, self.sudogs, again = np.split(buffer, ends[:-1], axis=1)
        self.gs = GStructs(process, seen.addresses, first)
        self.still = self.gs.same(GStructs(process, seen.addresses, again))
        self.still &= readable[:, _FIRST] & readable[:, _AGAIN]
        self.stacks = np.ascontiguousarray(stacks)
        self.stack_size = np.where(readable[:, _STACK], stack_size, np.uint64(0))
        self.has_m = readable[:, _M] & (self.gs.column("m") == m)
        self.has_sudog = readable[:, _SUDOG] & (self.gs.column("waiting") == sudog)
        self._offsets = o

    @property
    def on_thread(self) -> NDArray[np.bool_]:
        """Its thread says that it runs this goroutine, if only to wait in a system call."""
        on: NDArray[np.bool_] = self.has_m & (self.of_m("curg") == self.gs.addresses)
        return on

    def of_m(self, field: str) -> NDArray[np.uint64]:
        """A field of each one's m: "curg" or "procid"."""
        return u64(self.ms, self._offsets[f"m.{field}"])


def _window(gs: GStructs) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Where to read each stack, and how much; 0 where it is not to be read."""
    lo, hi, sp = gs.column("stack", "stack.lo"), gs.column("stack", "stack.hi"), gs.saved_sp
    wanted = gs.has_stack & (lo < sp) & (sp < hi)
    start = np.where(sp - lo > _BELOW, sp - np.uint64(_BELOW), lo)
    size = np.minimum(hi - start, np.uint64(WINDOW))
    return np.where(wanted, start, np.uint64(0)), np.where(wanted, size, np.uint64(0))
