"""Some goroutines at one glance: what must be read within a moment to fit together.

For each goroutine its g struct, the top of its stack, what it waits in line with (its first sudog)
and the g struct again are read by one system call, one right behind the other, which takes about a
microsecond. Where both readings of the g are alike, it held still in between.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from gtrace_rec.goruntime.gstructs import GStructs
from gtrace_rec.goruntime.process import GoProcess

# How much of a stack is read at a time: most parked goroutines use less.
WINDOW = 4096
# As much of it is below the stack pointer that was seen first, should the goroutine have moved on.
_BELOW = 512

_FIRST, _STACK, _SUDOG, _AGAIN = range(4)


class Glimpse:
    """One reading of goroutines that were seen before in `seen`.

    `gs` are the g structs, and `still` says which of the goroutines held still. `stack_size` bytes
    of each stack from `stack_start` on are in `stacks`; `sudogs` are valid where `has_sudog`.
    `ts` is a moment just after it all.
    """

    def __init__(self, process: GoProcess, seen: GStructs) -> None:
        count, g = len(seen), seen.size
        sudog = process.binary.offsets["sudog.sizeof"]
        self.stack_start, size = _window(seen)
        columns = np.array([0, g, g + WINDOW, g + WINDOW + sudog], np.uint64)
        buffer = np.zeros((count, g + WINDOW + sudog + g), np.uint8)
        waiting = seen.column("waiting")
        addresses = np.column_stack([seen.addresses, self.stack_start, waiting, seen.addresses])
        sizes = np.empty((count, 4), np.uint64)
        sizes[:, _STACK] = size
        sizes[:, _SUDOG] = sudog
        sizes[:, [_FIRST, _AGAIN]] = g
        at = np.arange(count, dtype=np.uint64)[:, None] * np.uint64(buffer.shape[1]) + columns
        readable = process.read_into(
            buffer, at.reshape(-1), addresses.reshape(-1), sizes.reshape(-1)
        ).reshape(count, 4)
        self.ts = time.monotonic_ns()
        self.gs = GStructs(process, seen.addresses, buffer[:, :g])
        again = GStructs(process, seen.addresses, buffer[:, -g:])
        self.still = self.gs.same(again) & readable[:, _FIRST] & readable[:, _AGAIN]
        self.stack_size = np.where(readable[:, _STACK], size, np.uint64(0))
        self.stacks = np.ascontiguousarray(buffer[:, g : g + WINDOW])
        self.sudogs = buffer[:, g + WINDOW : g + WINDOW + sudog]
        self.has_sudog = readable[:, _SUDOG] & (self.gs.column("waiting") == waiting)


def _window(gs: GStructs) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Where to read each stack, and how much; 0 where it is not to be read."""
    lo, hi, sp = gs.column("stack", "stack.lo"), gs.column("stack", "stack.hi"), gs.saved_sp
    wanted = gs.has_stack & (lo < sp) & (sp < hi)
    start = np.where(sp - lo > _BELOW, sp - np.uint64(_BELOW), lo)
    size = np.minimum(hi - start, np.uint64(WINDOW))
    return np.where(wanted, start, np.uint64(0)), np.where(wanted, size, np.uint64(0))
