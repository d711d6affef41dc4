"""The runtime's own records, with words that look like references to objects and are none.

A recorder takes every word for a reference that looks like the address of an object, so what the
runtime keeps for itself would keep objects alive that Go's garbage collector, which knows the types
of its records, gives up. Nothing of what is told here refers to what a program waits on.
"""

from __future__ import annotations

import numpy as np

from gtrace_rec.goruntime.heap import Spans, Words
from gtrace_rec.goruntime.process import GoProcess

_PROCS_MOST = 4096  # GOMAXPROCS that is believed
_P_DEAD = 4  # the last of p.status, runtime2.go
_TIMERS = 128  # bytes behind p.wbBuf that hold p.timers and p.cleanups; then come numbers
_THREADS_MOST = 10_000  # sched.maxmcount, runtime/proc.go
_LINKS_WITHIN = 512  # m.alllink lies within these first bytes in Go 1.19 to 1.27


def heap_books(process: GoProcess) -> list[tuple[int, int]]:
    """Where runtime.mheap_ keeps bounds of memory: from its beginning to mheap.allspans."""
    mheap = process.binary.mheap
    if mheap is None:
        return []
    start = process.live(mheap)
    return [(start, start + process.binary.offsets["mheap.allspans"])]


def ps(process: GoProcess, globals_: Words, spans: Spans) -> list[tuple[int, int]]:
    """The Ps but for their timers, which come behind wbBuf (runtime2.go, Go 1.19 to 1.27).

    That holds free sudogs and defers, the bounds of free pages, pointers for the garbage collector,
    stale since it last ran, and at the end what registers held when a goroutine was preempted. The
    Ps are the elements of runtime.allp, the one global slice whose i-th element points at a struct
    whose p.id is i and whose p.status is one there is.
    """
    offsets = process.binary.offsets
    if not {"p.wbBuf", "wbBuf.sizeof"} <= set(offsets):
        return []
    heads = np.flatnonzero(
        (globals_[1:-1] > 0) & (globals_[1:-1] <= globals_[2:]) & (globals_[2:] <= _PROCS_MOST)
    )
    in_heap, _ = spans.objects_at(globals_[heads])
    for head in heads[in_heap].tolist():
        count = int(globals_[head + 1])
        elements, _ = process.read_rows(globals_[head : head + 1], 8 * count)
        found = elements.view("<u8")[0]
        if len(spans.objects_at(found)[0]) < count:
            continue
        ids = process.words_at(found, "p.id")
        status = ids >> np.uint64(32)
        numbered = (ids & np.uint64(0xFFFFFFFF)) == np.arange(count, dtype=np.uint64)
        if (numbered & (status <= _P_DEAD)).all():
            timers = found + np.uint64(offsets["p.wbBuf"] + offsets["wbBuf.sizeof"])
            behind = timers + np.uint64(_TIMERS)
            pieces = ((found, timers), (behind, spans.ends_of(found)))
            return [
                (begin, end)
                for begins, ends in pieces
                for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)
            ]
    return []


def of_threads(process: GoProcess, globals_: Words, spans: Spans) -> Words:
    """The g structs on which threads run the scheduler and signal handlers: m.g0 and m.gsignal.

    They are not among the goroutines. Some globals point at an M, runtime.allm among them, and Ms
    at others. Where in an M is not for a table to say: patch releases have moved m.alllink.
    """
    found = np.zeros(0, np.uint64)
    words = globals_
    while len(words) and len(found) < _THREADS_MOST:
        inside, _ = spans.objects_at(words)
        front = np.setdiff1d(words[inside], found)
        g0 = process.words_at(front, "m.g0")
        front = front[(g0 != 0) & (process.words_at(g0, "g.m") == front)]
        found = np.concatenate([found, front])
        rows, _ = process.read_rows(front, _LINKS_WITHIN)
        words = rows.view("<u8").ravel()
    return np.concatenate([process.words_at(found, field) for field in ("m.g0", "m.gsignal")])
