"""What parked goroutines wait for: channels through their sudogs, else what stands in their stacks.

Layouts: `sudog` in `runtime/runtime2.go`, `hchan` in `runtime/chan.go`; those of package sync are
the same in Go 1.19 to 1.27.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from gtrace_rec.goruntime.binary import GoBinary
from gtrace_rec.goruntime.glimpse import Glimpse
from gtrace_rec.goruntime.gstructs import u32, u64
from gtrace_rec.goruntime.homes import kept_waiters
from gtrace_rec.goruntime.process import GoProcess
from gtrace_rec.goruntime.unwind import Unwound

_MOST_CASES = 1 << 16  # reflect.Select takes no more

_WORD = 8

# By the function that waits on its semaphore: where, from the semaphore on, a 32-bit number says
# how many hold it up, and which of its bits do.
_ALL = 0xFFFFFFFF
_HOLDERS = {
    "sync.(*Mutex).lockSlow": (-4, 1),  # mutexLocked of state
    "internal/sync.(*Mutex).lockSlow": (-4, 1),
    "sync.(*RWMutex).RLock": (4, 1 << 31),  # readerCount is negative while a writer is about
    "sync.(*RWMutex).Lock": (12, _ALL),  # readerWait
    "sync.(*WaitGroup).Wait": (-4, _ALL),  # the counter, in the upper half of state
}
_HOLDER_FRAMES = 5  # from the innermost on, in which one of these functions is


def channel_of_sudog(binary: GoBinary) -> int:
    """The offset of the pointer to the channel in a sudog: sudog.c.

    From Go 1.26 on that last field is two words, of which the second is the one to go by.
    """
    o = binary.offsets
    return o["sudog.c"] + (_WORD if o["sudog.sizeof"] - o["sudog.c"] >= 2 * _WORD else 0)


class Waits:
    """Finds what the goroutines of one process wait for."""

    def __init__(self, process: GoProcess) -> None:
        binary = process.binary
        o = binary.offsets
        self._process = process
        self._channel = channel_of_sudog(binary)
        self._next = o["sudog.waitlink"]
        self._sudog_size = o["sudog.sizeof"]
        self._hchan_size = o["hchan.sizeof"]
        self._waiters = kept_waiters(binary)
        self._on_channel = _numbers(binary.wait_reasons, ("chan receive", "chan send"))
        self._in_select = _numbers(binary.wait_reasons, ("select",))
        self._holder = cache(self._find_holder)

    def fill(
        self,
        rows: NDArray[np.void],
        view: Glimpse,
        stacks: Unwound,
        waiting: NDArray[np.bool_],
    ) -> NDArray[np.object_]:
        """Fill in what each goroutine waits on, and how that stands.

        Returns the lists of channels of those in a select, None for the others.
        """
        gs = view.gs
        on_channel = waiting & view.has_sudog & np.isin(gs.waitreason, self._on_channel)
        channel = np.where(on_channel, u64(view.sudogs, self._channel), np.uint64(0))
        self._fill_channels(rows, channel)
        rows["obj"] = channel.astype(np.int64)
        for waiter, function in self._waiters:
            if stacks.pcs.shape[1] <= waiter.frames:
                continue
            caller = stacks.pcs[:, waiter.frames]
            there = waiting & stacks.parked & (caller >= function.entry) & (caller < function.end)
            rows["obj"][there] = stacks.arguments[there, waiter.frames].astype(np.int64)
            self._fill_holders(rows, stacks, there)
        selecting = waiting & view.has_sudog & np.isin(gs.waitreason, self._in_select)
        lists = np.full(len(rows), None, object)
        chosen = np.flatnonzero(selecting)
        for row, channels in zip(
            chosen.tolist(), self._select(gs.column("waiting")[chosen]), strict=True
        ):
            lists[row] = channels
        return lists

    def _fill_channels(self, rows: NDArray[np.void], channels: NDArray[np.uint64]) -> None:
        o = self._process.binary.offsets
        data, known = self._process.read_rows(channels, self._hchan_size)
        closed = u32(data, o["hchan.closed"]) != 0
        rows["chan_len"] = np.where(known, u64(data, o["hchan.qcount"]).astype(np.int64), -1)
        rows["chan_cap"] = np.where(known, u64(data, o["hchan.dataqsiz"]).astype(np.int64), -1)
        rows["chan_closed"] = np.where(known, closed.astype(np.int64), -1)

    def _select(self, sudogs: NDArray[np.uint64]) -> list[list[int]]:
        """The channels that each select waits on, from the first of its sudogs."""
        cases: list[dict[int, None]] = [{} for _ in sudogs]
        rows = np.arange(len(sudogs))
        for _ in range(_MOST_CASES):
            if not len(rows):
                break
            data, readable = self._process.read_rows(sudogs, self._sudog_size)
            channels = u64(data, self._channel)[readable].tolist()
            for row, channel in zip(rows[readable].tolist(), channels, strict=True):
                cases[row][channel] = None
            following = u64(data, self._next)
            on = readable & (following != 0)
            rows, sudogs = rows[on], following[on]
        return [list(channels) for channels in cases]

    def _fill_holders(
        self, rows: NDArray[np.void], stacks: Unwound, there: NDArray[np.bool_]
    ) -> None:
        chosen = np.flatnonzero(there)
        found = [
            self._holder(tuple(stacks.pcs[row, :_HOLDER_FRAMES].tolist()))
            for row in chosen.tolist()
        ]
        if not found:
            return
        offset = np.array([f[0] if f else 0 for f in found])
        mask = np.array([f[1] if f else 0 for f in found])
        where = np.where(mask != 0, rows["obj"][chosen] + offset, 0).astype(np.uint64)
        data, known = self._process.read_rows(where, 4)
        count = u32(data, 0).astype(np.int64) & mask
        rows["holders"][chosen] = np.where(known, np.where(mask == _ALL, count, count != 0), -1)

    def _find_holder(self, pcs: tuple[int, ...]) -> tuple[int, int] | None:
        frames = (f.function for pc in pcs for f in self._process.binary.symbolize(pc))
        return next((_HOLDERS[name] for name in frames if name in _HOLDERS), None)


def _numbers(names: Sequence[str], wanted: tuple[str, ...]) -> list[int]:
    """The numbers of the wait reasons that begin as one of these."""
    return [i for i, name in enumerate(names) if name.startswith(wanted)]
