"""Which goroutines may hold a lock, or the other end of a channel: those whose stacks point at it.

Go does not note who holds a mutex. Whoever does needs its address again to give it back, and has
it, or that of the struct around it, on its stack as a rule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gtrace_rec.goruntime.gstructs import RUNNING, GStructs, all_gs
from gtrace_rec.goruntime.heap import Words, read_spans, read_words
from gtrace_rec.goruntime.process import GoProcess
from gtrace_rec.goruntime.snapshot import Snapshot

_LOCKS = ("sync.Mutex", "sync.RWMutex")
_BATCH = 4 << 20  # bytes of stacks at a time
_STACKS_MOST = 512 << 20  # bytes of stacks that are read at all


def find_referrers(
    process: GoProcess, snapshot: Snapshot, between: Callable[[], None] = lambda: None
) -> list[list[int] | None] | None:
    """For each goroutine of a snapshot: what others may wait for and its own stack points at.

    That is, locks that somebody waits for, and all that goroutines wait on which nothing that can
    run refers to; as the addresses in the snapshot's `obj` and `select`, in order. Pointing into
    the same object of the heap is enough. None for those that point at none of them; None for all
    where there is nothing to look for, it lies outside of the heap, or there are too many stacks.
    `between` is called every few milliseconds. Raises TargetError if the process is gone.
    """
    wanted = _wanted(snapshot)
    spans = read_spans(process) if len(wanted) else None
    if spans is None:
        return None
    in_heap, number = spans.objects_at(wanted)
    addresses = defaultdict(list)
    for address, of_object in zip(wanted[in_heap].tolist(), number.tolist(), strict=True):
        addresses[of_object].append(address)
    objects = np.unique(number)
    every = GStructs(process, all_gs(process))
    gs = every.select(every.live & every.readable)
    start, high = _used_stacks(gs)
    sizes = (high - start).astype(np.int64)
    if not len(objects) or sizes.sum() > _STACKS_MOST:
        return None
    found: dict[int, list[int]] = {}
    goids = gs.column("goid").astype(np.int64).tolist()
    for batch in _batches(sizes):
        words, _ = read_words(process, start[batch], high[batch])
        owner = np.repeat(batch, sizes[batch] // 8)
        inside, pointed = spans.objects_at(words)
        hits = np.flatnonzero(np.isin(pointed, objects))
        pairs = np.unique(np.column_stack([owner[inside[hits]], pointed[hits]]), axis=0)
        for row, of_object in pairs.tolist():
            found.setdefault(goids[row], []).extend(addresses[of_object])
        between()
    return [
        sorted(found[goid]) if goid in found else None for goid in snapshot.rows["goid"].tolist()
    ]


def _wanted(snapshot: Snapshot) -> Words:
    wanted = snapshot.waiting(*_LOCKS)
    if snapshot.unreachable is not None:
        wanted |= snapshot.unreachable == 1
    _, addresses = snapshot.waits_on(np.flatnonzero(wanted))
    return np.unique(addresses)


def _used_stacks(gs: GStructs) -> tuple[Words, Words]:
    """From where to where the stack of each is in use; all of it for those that run."""
    low, high = gs.column("stack", "stack.lo"), gs.column("stack", "stack.hi")
    sp = gs.saved_sp
    stale = (gs.status == RUNNING) | (sp < low) | (sp >= high)
    start = np.where(stale, low, sp) & ~np.uint64(7)
    return start, np.maximum(high & ~np.uint64(7), start)


def _batches(sizes: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    batch = np.cumsum(sizes) // _BATCH
    return np.split(np.arange(len(sizes)), np.flatnonzero(np.diff(batch)) + 1)
