"""Whether the offsets hold on the running process, before anything is believed that they yield."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gtrace_rec._errors import UnsupportedGoError
from gtrace_rec.goruntime.gstructs import LIVE_STATUSES, RUNNING, SYSCALL, WAITING, GStructs, all_gs
from gtrace_rec.goruntime.process import GoProcess
from gtrace_rec.goruntime.waits import channel_of_sudog

_NOT_ALIVE = (0, 5, 6, 7)  # idle, moribund, dead, enqueue: runtime2.go
_DEAD_EXTRA, _DEAD_EXTRA_SINCE = 11, 26
_MOST_CHECKED = 10_000
_PASSES, _PAUSE_S = 4, 0.01
_MAX_GOID = 1 << 48
_MIN_STACK, _MAX_STACK = 2048, 1 << 31


def check_offsets(process: GoProcess) -> None:
    """Read the goroutines of the process and see that they make sense.

    Statuses must be of the enum, goids unique, each g's stack, saved registers and creator
    plausible, and the ways g → m → curg, m → thread and sudog → g lead back where they began. A
    process that has no goroutine yet passes.

    Raises UnsupportedGoError, saying what was found where, if they do not, time and again.
    """
    breaking: list[set[int]] = []  # by rule: the goroutines that broke it in every pass so far
    for attempt in range(_PASSES):
        if attempt:  # it runs on, so one oddity may be a moment's; see whether it stays
            time.sleep(_PAUSE_S)
        gs = GStructs(process, all_gs(process)[:_MOST_CHECKED])
        found = list(_findings(process, gs))
        now = [set(odd.tolist()) for odd, _ in found]
        breaking = [a & b for a, b in zip(breaking, now, strict=True)] if attempt else now
        if not any(breaking):
            return
    odd = [text for (_, text), same in zip(found, breaking, strict=True) if same]
    raise UnsupportedGoError(
        f"pid {process.pid}: {process.binary.go_version}, but its goroutines do not lie where "
        f"{process.binary.offsets.source} says: {'; '.join(odd[:3])}"
    )


def _findings(process: GoProcess, gs: GStructs) -> Iterator[tuple[NDArray[np.uint64], str]]:
    """Each rule: the goroutines that break it, and the first of them in words."""

    def finding(
        wrong: NDArray[np.bool_], what: str, values: NDArray[np.generic]
    ) -> tuple[NDArray[np.uint64], str]:
        if not wrong.any():
            return gs.addresses[wrong], ""
        first = int(np.argmax(wrong))
        return gs.addresses[wrong], (
            f"{what.format(f'{int(values[first]):#x}')} "
            f"(g at {int(gs.addresses[first]):#x}, {int(wrong.sum())} of {len(gs)} like it)"
        )

    yield finding(~gs.readable, "g at {} cannot be read", gs.addresses)
    statuses = {*LIVE_STATUSES, *_NOT_ALIVE}
    if process.binary.go_minor >= _DEAD_EXTRA_SINCE:
        statuses.add(_DEAD_EXTRA)
    yield finding(~np.isin(gs.status, list(statuses)), "no status is {}", gs.status)

    gs = gs.select(gs.live)
    goid = gs.column("goid")
    yield finding(goid > _MAX_GOID, "a goid of {}", goid)
    _, inverse, counts = np.unique(goid, return_inverse=True, return_counts=True)
    yield finding(counts[inverse] > 1, "goid {} twice", goid)

    lo, hi = gs.column("stack", "stack.lo"), gs.column("stack", "stack.hi")
    size = hi - lo
    odd = (size & (size - 1) != 0) | (size < _MIN_STACK) | (size > _MAX_STACK)
    yield finding(odd | (lo > hi), "a stack of {} bytes", size)
    itself = gs.column("sched", "gobuf.g")
    yield finding(itself != gs.addresses, "sched.g is {}", itself)
    reason = gs.waitreason
    unknown = (reason == 0) | (reason >= len(process.binary.wait_reasons))
    yield finding((gs.status == WAITING) & unknown, "no wait reason is {}", reason)

    m = gs.column("m")
    parked = (gs.status == WAITING) & (m == 0)
    sp, pc = gs.column("sched", "gobuf.sp"), gs.column("sched", "gobuf.pc")
    yield finding(parked & ((sp < lo) | (sp >= hi)), "parked with stack pointer {}", sp)
    yield finding(parked & ~_in_text(process, pc), "parked at pc {}", pc)
    for field in ("gopc", "startpc"):
        pc = gs.column(field)
        yield finding((pc != 0) & ~_in_text(process, pc), f"{field} is {{}}", pc)

    on_thread = np.isin(gs.status, [RUNNING, SYSCALL])
    curg = process.words_at(np.where(on_thread, m, np.uint64(0)), "m.curg")
    yield finding(on_thread & (m != 0) & (curg != gs.addresses), "its m.curg is {}", curg)
    thread = process.words_at(np.where(on_thread, m, np.uint64(0)), "m.procid")
    threads = list(process.threads())
    yield finding((thread != 0) & ~np.isin(thread, threads), "no thread of it is {}", thread)
    sudog = np.where(parked, gs.column("waiting"), np.uint64(0))
    waiter = process.words_at(sudog, "sudog.g")
    yield finding((sudog != 0) & (waiter != gs.addresses), "its sudog.g is {}", waiter)
    offset = np.uint64(channel_of_sudog(process.binary))
    channel = process.words(np.where(sudog != 0, sudog + offset, np.uint64(0)))
    length, capacity = (process.words_at(channel, f"hchan.{f}") for f in ("qcount", "dataqsiz"))
    yield finding(length > capacity, "a channel with room for less holds {}", length)


def _in_text(process: GoProcess, pcs: NDArray[np.uint64]) -> NDArray[np.bool_]:
    module = process.binary.module
    low, high = process.live(module.text), process.live(module.etext)
    inside: NDArray[np.bool_] = (pcs >= low) & (pcs <= high)
    return inside
