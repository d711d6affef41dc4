"""Goroutines that nothing can wake any more, as far as memory shows.

A goroutine blocked on a channel, a lock, a condition or a wait group goes on only if another one
gets at that object. If nothing that can still run refers to it, it waits for ever. That is the
argument of Go's own goroutine leak profile (`runtime/mgc.go`, Go 1.26), made here from outside, on
any supported Go, without stopping the process: mark what the globals, the finalizers and the stacks
of goroutines that can run refer to; a blocked one whose object is marked can run too, so mark from
its stack, and so on until nothing changes.

Memory is read while it changes, so a single look may miss a pointer on the move: a goroutine counts
as unreachable only if two looks agree and it did not move from the beginning of the first to the
end of the second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gtrace_rec.goruntime.gstructs import LEAKED, SYSCALL, WAITING, GStructs, all_gs
from gtrace_rec.goruntime.heap import Graph, Spans, Words, read_spans, read_words
from gtrace_rec.goruntime.liveness import Liveness
from gtrace_rec.goruntime.ownrecords import heap_books, of_threads, ps
from gtrace_rec.goruntime.process import GoProcess
from gtrace_rec.goruntime.reader import take_snapshot
from gtrace_rec.goruntime.snapshot import Snapshot
from gtrace_rec.goruntime.specials import held_by_specials

# Only another goroutine can end such a wait; timers and the poller end all others.
_BLOCKED = ("chan ", "select", "semacquire", "sync.")
_FOREVER = ("chan receive (nil chan)", "chan send (nil chan)", "select (no cases)")
# Goroutines of the runtime that touch nothing a program waits on, by the functions they begin with
# in Go 1.19 to 1.27. The workers of the garbage collector have pointers into all of the heap left
# over on their stacks. Not those that run finalizers and cleanups: that is the program's own code.
_COLLECTOR = (
    *("runtime.gcBgMarkWorker", "runtime.gcBgMarkStartWorkers.gowrap1"),
    *("runtime.gcenable.func1", "runtime.gcenable.func2"),
    *("runtime.gcenable.gowrap1", "runtime.gcenable.gowrap2"),
    *("runtime.forcegchelper", "runtime.updateMaxProcsGoroutine"),
)
_LYING_STILL = (WAITING, LEAKED, SYSCALL)
_MAIN = 1  # the goroutine that began: a main that waits for ever keeps a program alive on purpose


@dataclass(frozen=True)
class _Blocked:
    """Blocked goroutines: their rows among the g structs, and what each waits on."""

    row: NDArray[np.int64]
    objects: list[list[int]]
    forever: NDArray[np.bool_]


def find_unreachable(
    process: GoProcess,
    snapshot: Snapshot,
    heap_limit: int,
    between: Callable[[], None] = lambda: None,
) -> NDArray[np.int8] | None:
    """For each goroutine of a snapshot: 1 if nothing that can run can wake it, 0 if something may.

    -1 where that does not apply or cannot be told: it is not blocked on anything, what it waits on
    is not known, or it ran since. None where nothing can be told: the binary does not say where
    its heap is, or more than `heap_limit` bytes of it would have to be read. `between` is called
    every few milliseconds. Raises TargetError if the process is gone.
    """
    liveness = Liveness(process, between)
    before = GStructs(process, all_gs(process))
    first = _look(process, liveness, snapshot, heap_limit, between)
    if first is None:
        return None
    if not (first == 1).any():
        return first
    again = take_snapshot(process, between=between)
    second = _look(process, liveness, again, heap_limit, between, before)
    if second is None:
        return None
    later = dict(zip(again.rows["goid"].tolist(), range(len(again)), strict=True))
    for row in np.flatnonzero(first == 1).tolist():
        other = later.get(int(snapshot.rows["goid"][row]))
        if other is None or not _same(snapshot, row, again, other):
            first[row] = -1
        elif second[other] != 1:
            first[row] = second[other]
    return first


def _same(a: Snapshot, i: int, b: Snapshot, j: int) -> bool:
    """It waits in the same way at the same place on the same thing, as far as can be seen."""
    fields = ["status", "reason", "obj"]
    since = int(a.rows["waitsince"][i])  # once noted, it stays until the goroutine runs
    return (
        bool(a.rows[fields][i] == b.rows[fields][j])
        and since in (0, int(b.rows["waitsince"][j]))
        and a.select[i] == b.select[j]
        and all(x == y for x, y in zip(_stack(a, i), _stack(b, j), strict=False))
    )


def _stack(snapshot: Snapshot, row: int) -> list[int]:
    number = snapshot.rows["stack"][row]
    return [] if number < 0 else snapshot.stacks[number].tolist()


def _look(
    process: GoProcess,
    liveness: Liveness,
    snapshot: Snapshot,
    heap_limit: int,
    between: Callable[[], None],
    before: GStructs | None = None,
) -> NDArray[np.int8] | None:
    """Who moved since `before`, which was read before the snapshot, or moves now, can run."""
    every = GStructs(process, all_gs(process))
    still = np.ones(len(every), np.bool_)
    if before is not None:
        there = np.arange(len(every)) < len(before)  # the list only grows
        still[there] = every.select(there).same(before)
        still[~there] = False
    present = every.live & every.readable
    gs, still = every.select(present), still[present]
    spans = read_spans(process)
    if spans is None:
        return None
    if int((spans.end - spans.start)[spans.scan].sum()) > heap_limit:
        return None
    roots = _roots(process)
    graph = Graph(process, spans, ps(process, roots.words, spans), between)
    blocked, rows = _blocked(gs, still, snapshot)
    all_of_them = np.concatenate([every.addresses, of_threads(process, roots.words, spans)])
    _hide_runtime_records(graph, all_of_them, gs.addresses[blocked.row])
    reached = np.zeros(graph.size, np.bool_)
    awake = np.ones(len(gs), np.bool_)
    awake[blocked.row] = False
    awake &= ~_of_collector(process, gs)
    graph.mark(reached, roots.objects(spans))
    graph.mark(reached, held_by_specials(process, spans))
    _mark_stacks(process, graph, liveness, reached, gs, awake)
    while True:
        woken = _reachable(blocked, spans, reached, roots, gs, awake) & ~awake[blocked.row]
        if not woken.any():  # they must all have stood still all the time
            woken = ~gs.same(GStructs(process, gs.addresses))[blocked.row] & ~awake[blocked.row]
        if not woken.any():
            break
        awake[blocked.row[woken]] = True
        now = np.zeros(len(gs), np.bool_)
        now[blocked.row[woken]] = True
        _mark_stacks(process, graph, liveness, reached, gs, now)
    result = np.full(len(snapshot), -1, np.int8)
    result[rows] = ~awake[blocked.row]
    return result


def _blocked(
    gs: GStructs, still: NDArray[np.bool_], snapshot: Snapshot
) -> tuple[_Blocked, NDArray[np.int64]]:
    """The goroutines that only another can wake, and their rows in the snapshot.

    Where it is not known what one waits on, it counts as able to run.
    """
    by_goid = dict(zip(gs.column("goid").tolist(), range(len(gs)), strict=True))
    names = snapshot.wait_reasons
    row, objects, forever, rows = [], [], [], []
    for i, r in enumerate(snapshot.rows):
        reason = names[r["reason"]] if r["reason"] < len(names) else ""
        g = by_goid.get(int(r["goid"]))
        if r["status"] not in (WAITING, LEAKED) or not reason.startswith(_BLOCKED) or g is None:
            continue
        if not still[g] or gs.status[g] not in (WAITING, LEAKED):
            continue
        never = reason in _FOREVER and int(r["goid"]) != _MAIN
        waits_on = [int(r["obj"])] if r["obj"] else list(snapshot.select[i] or [])
        if (never or waits_on) and r["certain"]:
            row.append(g)
            objects.append(waits_on)
            forever.append(never)
            rows.append(i)
    return (
        _Blocked(np.array(row, np.int64), objects, np.array(forever, np.bool_)),
        np.array(rows, np.int64),
    )


def _of_collector(process: GoProcess, gs: GStructs) -> NDArray[np.bool_]:
    functions = [process.binary.functions.named(name) for name in _COLLECTOR]
    starts = [process.live(function.entry) for function in functions if function]
    return np.isin(gs.column("startpc"), np.array(starts, np.uint64))


@dataclass(frozen=True)
class _Roots:
    """The program's global variables."""

    start: Words
    end: Words
    words: Words

    def objects(self, spans: Spans) -> NDArray[np.int64]:
        """Objects that globals refer to."""
        return spans.objects_at(self.words)[1]

    def hold(self, address: int) -> bool:
        """The address is that of a global variable, or within one."""
        return bool(((self.start <= address) & (address < self.end)).any())


def _roots(process: GoProcess) -> _Roots:
    offsets, module = process.binary.offsets, process.live(process.binary.module.vaddr)

    def bounds(names: tuple[str, ...]) -> Words:
        words = [process.word(module + offsets[f"moduledata.{name}"]) for name in names]
        return np.array(words, np.uint64)

    start, end = bounds(("data", "bss", "noptrbss")), bounds(("edata", "ebss", "enoptrbss"))
    words, places = read_words(process, start[:2] & ~np.uint64(7), end[:2] & ~np.uint64(7))
    for low, high in heap_books(process):
        words[(places >= low) & (places < high)] = 0
    return _Roots(start, end, words)


def _hide_runtime_records(graph: Graph, gs: Words, waiting: Words) -> None:
    """What the runtime itself notes of goroutines and their waits does not keep anything alive.

    That is, the g structs, of ended goroutines too, and the sudogs, which begin with the g that
    waits.
    """
    _, objects = graph.spans.objects_at(gs)
    graph.opaque[objects] = True
    graph.opaque |= graph.begins_with(np.sort(waiting))


def _mark_stacks(
    process: GoProcess,
    graph: Graph,
    liveness: Liveness,
    reached: NDArray[np.bool_],
    gs: GStructs,
    which: NDArray[np.bool_],
) -> None:
    """Mark from the stacks of these goroutines, and from their g structs."""
    seen = gs.select(which)
    if not len(seen):
        return
    part = GStructs(process, seen.addresses)
    low, high = part.column("stack", "stack.lo"), part.column("stack", "stack.hi")
    sp = part.column("sched", "gobuf.sp")
    stale = ~np.isin(part.status, _LYING_STILL) | ~part.same(seen) | (sp < low) | (sp >= high)
    start = np.where(stale, low, sp) & ~np.uint64(7)
    offsets = process.binary.offsets
    held, _ = read_words(
        process,
        # Behind g.stack, whose end is where another object may begin.
        part.addresses + np.uint64(offsets["g.stackguard0"]),
        part.addresses + np.uint64(offsets["g.sizeof"] & ~7),
    )
    for some in (liveness.words(part, start, high), held):
        graph.mark(reached, graph.spans.objects_at(some)[1])


def _reachable(
    blocked: _Blocked,
    spans: Spans,
    reached: NDArray[np.bool_],
    roots: _Roots,
    gs: GStructs,
    awake: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Which blocked goroutines wait on something that a goroutine able to run can get at."""
    flat = np.array([o for waits_on in blocked.objects for o in waits_on], np.uint64)
    owner = np.repeat(np.arange(len(blocked.row)), [len(o) for o in blocked.objects])
    in_heap, objects = spans.objects_at(flat)
    found = np.zeros(len(flat), np.bool_)
    found[in_heap] = reached[objects]
    elsewhere = np.ones(len(flat), np.bool_)
    elsewhere[in_heap] = False
    low, high = gs.column("stack", "stack.lo"), gs.column("stack", "stack.hi")
    for i in np.flatnonzero(elsewhere).tolist():
        # A global, or a variable on a stack, which lives as long as that goroutine can run; what
        # lies in neither is memory of C, of which nothing is known.
        on_stack = np.flatnonzero((low <= flat[i]) & (flat[i] < high))
        found[i] = roots.hold(int(flat[i])) or not len(on_stack) or bool(awake[on_stack].any())
    result = np.zeros(len(blocked.row), np.bool_)
    np.logical_or.at(result, owner, found)
    return result & ~blocked.forever
