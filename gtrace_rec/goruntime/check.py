"""Whether the offsets hold on the running process, before anything is believed that they yield."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gtrace_rec._errors import UnsupportedGoError
from gtrace_rec.goruntime.glimpse import Glimpse
from gtrace_rec.goruntime.gstructs import (
    LIVE_STATUSES,
    RUNNING,
    SYSCALL,
    WAITING,
    GStructs,
    all_gs,
    u64,
)
from gtrace_rec.goruntime.process import GoProcess
from gtrace_rec.goruntime.waits import channel_of_sudog

_NOT_ALIVE = (0, 5, 6, 7)  # idle, moribund, dead, enqueue: runtime2.go
_DEAD_EXTRA, _DEAD_EXTRA_SINCE = 11, 26
_MOST_CHECKED = 1024
_PASSES, _PAUSE_S = 4, 0.01
_MAX_GOID = 1 << 48
_MIN_STACK, _MAX_STACK = 2048, 1 << 31

Finding = tuple[NDArray[np.uint64], str]  # the goroutines that break a rule, the first in words


def check_offsets(process: GoProcess) -> None:
    """Read goroutines of the process and see that they make sense.

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
        found = [*_about_structs(process, gs), *_about_goroutines(process, gs.select(gs.live))]
        now = [set(odd.tolist()) for odd, _ in found]
        breaking = [a & b for a, b in zip(breaking, now, strict=True)] if attempt else now
        if not any(breaking):
            return
    odd = [text for (_, text), same in zip(found, breaking, strict=True) if same]
    raise UnsupportedGoError(
        f"pid {process.pid}: {process.binary.go_version}, but its goroutines do not lie where "
        f"{process.binary.offsets.source} says: {'; '.join(odd[:3])}"
    )


def _about_structs(process: GoProcess, gs: GStructs) -> Iterator[Finding]:
    """Rules for all g structs there are."""
    yield _finding(gs, ~gs.readable, "g at {} cannot be read", gs.addresses)
    statuses = {*LIVE_STATUSES, *_NOT_ALIVE}
    if process.binary.go_minor >= _DEAD_EXTRA_SINCE:
        statuses.add(_DEAD_EXTRA)
    yield _finding(gs, ~np.isin(gs.status, list(statuses)), "no status is {}", gs.status)
    alive = np.isin(gs.status, list(LIVE_STATUSES))
    yield _finding(gs, np.full(len(gs), not alive.any()), "none is alive, status {}", gs.status)
    goid = gs.column("goid")
    yield _finding(gs, alive & ((goid == 0) | (goid > _MAX_GOID)), "a goid of {}", goid)


def _about_goroutines(process: GoProcess, seen: GStructs) -> Iterator[Finding]:
    """Rules for live goroutines."""
    view = Glimpse(process, seen)
    gs, still = view.gs, view.still & view.gs.live
    goid = gs.column("goid")
    _, inverse, counts = np.unique(goid, return_inverse=True, return_counts=True)
    yield _finding(gs, still & (counts[inverse] > 1), "goid {} twice", goid)
    if gs.has("parentGoid"):
        parent = gs.column("parentGoid")
        yield _finding(gs, still & (parent > goid.max(initial=0)), "creator {}", parent)

    lo, hi = gs.column("stack", "stack.lo"), gs.column("stack", "stack.hi")
    size = hi - lo
    odd = (size & (size - 1) != 0) | (size < _MIN_STACK) | (size > _MAX_STACK) | (lo > hi)
    yield _finding(gs, still & odd, "a stack of {} bytes", size)
    itself = gs.column("sched", "gobuf.g")
    yield _finding(gs, still & (itself != gs.addresses), "sched.g is {}", itself)
    gopc, startpc = gs.column("gopc"), gs.column("startpc")
    ours = (gopc != 0) | (startpc != 0)  # a thread of C that calls Go has neither
    yield _finding(gs, still & ours & ~_in_text(process, gopc), "gopc is {}", gopc)
    yield _finding(gs, still & ours & ~_entry(process, startpc), "startpc is {}", startpc)

    waiting = still & (gs.status == WAITING)
    reasons = process.binary.wait_reasons
    reason = gs.waitreason
    unknown = (reason == 0) | (reason >= len(reasons))
    yield _finding(gs, waiting & unknown, "no wait reason is {}", reason)
    since = gs.column("waitsince")
    yield _finding(gs, waiting & (since > view.ts), "waits since {}, which is to come", since)
    parked = waiting & (gs.column("m") == 0)
    sp, pc = gs.column("sched", "gobuf.sp"), gs.column("sched", "gobuf.pc")
    yield _finding(gs, parked & ((sp < lo) | (sp >= hi)), "parked with stack pointer {}", sp)
    yield _finding(gs, parked & ~_in_text(process, pc), "parked at pc {}", pc)

    on_thread = still & np.isin(gs.status, [RUNNING, SYSCALL])
    m = gs.column("m")
    yield _finding(gs, on_thread & (m == 0), "runs on no thread, m is {}", m)
    on_thread &= view.has_m
    curg, thread = view.of_m("curg"), view.of_m("procid")
    yield _finding(gs, on_thread & (curg != gs.addresses), "its m.curg is {}", curg)
    strange = ~np.isin(thread, list(process.threads()))
    yield _finding(gs, on_thread & strange, "no thread of it is {}", thread)

    queued = parked & view.has_sudog
    waiter = u64(view.sudogs, process.binary.offsets["sudog.g"])
    yield _finding(gs, queued & (waiter != gs.addresses), "its sudog.g is {}", waiter)
    names = [i for i, name in enumerate(reasons) if name in ("chan receive", "chan send")]
    on_channel = parked & np.isin(reason, names)
    channel = u64(view.sudogs, channel_of_sudog(process.binary))
    none = on_channel & ((gs.column("waiting") == 0) | view.has_sudog & (channel == 0))
    yield _finding(gs, none, "waits on channel {}", channel)
    channel = np.where(on_channel & view.has_sudog, channel, np.uint64(0))
    length, capacity = (process.words_at(channel, f"hchan.{f}") for f in ("qcount", "dataqsiz"))
    yield _finding(gs, length > capacity, "a channel with room for less holds {}", length)


def _finding(
    gs: GStructs, wrong: NDArray[np.bool_], what: str, values: NDArray[np.generic]
) -> Finding:
    if not wrong.any():
        return gs.addresses[wrong], ""
    first = int(np.argmax(wrong))
    return gs.addresses[wrong], (
        f"{what.format(f'{int(values[first]):#x}')} "
        f"(g at {int(gs.addresses[first]):#x}, {int(wrong.sum())} of {len(gs)} like it)"
    )


def _in_text(process: GoProcess, pcs: NDArray[np.uint64]) -> NDArray[np.bool_]:
    module = process.binary.module
    low, high = process.live(module.text), process.live(module.etext)
    inside: NDArray[np.bool_] = (pcs >= low) & (pcs <= high)
    return inside


def _entry(process: GoProcess, pcs: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """It is where a function begins."""
    entries = set()
    for pc in np.unique(pcs[_in_text(process, pcs)]).tolist():
        function = process.binary.functions.at(pc - process.load_bias)
        if function and function.entry == pc - process.load_bias:
            entries.add(pc)
    found: NDArray[np.bool_] = np.isin(pcs, np.array(list(entries), np.uint64))
    return found
