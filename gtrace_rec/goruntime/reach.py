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

from gtrace_rec._errors import GtraceError
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


class UnsearchedError(GtraceError):
    """Memory is not searched; says why."""


@dataclass(frozen=True)
class _Blocked:
    """Blocked goroutines: their rows among the g structs, and whether they wait for ever.

    `objects` are the addresses that they wait on, `owner` which of the goroutines each is of.
    """

    row: NDArray[np.int64]
    forever: NDArray[np.bool_]
    owner: NDArray[np.int64]
    objects: Words


def find_unreachable(
    process: GoProcess,
    snapshot: Snapshot,
    heap_limit: int,
    between: Callable[[], None] = lambda: None,
) -> NDArray[np.int8]:
    """For each goroutine of a snapshot: 1 if nothing that can run can wake it, 0 if something may.

    -1 where that does not apply or cannot be told: it is not blocked on anything, what it waits on
    is not known, or it ran since. `between` is called every few milliseconds. Raises
    UnsearchedError where nothing can be told: the binary does not say where its heap is, or more
    than `heap_limit` bytes of it would have to be read; and TargetError if the process is gone.
    """
    liveness = Liveness(process, between)
    before = GStructs(process, all_gs(process))
    first = _look(process, liveness, snapshot, heap_limit, between)
    if not (first == 1).any():
        return first
    again = take_snapshot(process, between=between)
    second = _look(process, liveness, again, heap_limit, between, before)
    rows = np.flatnonzero(first == 1)
    known, others = _find(again.rows["goid"], snapshot.rows["goid"][rows])
    first[rows[~known]] = -1
    rows, others = rows[known], others[known]
    first[rows] = np.where(_same(snapshot, rows, again, others), second[others], -1)
    return first


def _find(
    goids: NDArray[np.int64], wanted: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which of the goids wanted are among `goids`, and where; 0 for those that are not."""
    order = np.argsort(goids)
    at = np.searchsorted(goids, wanted, sorter=order)
    known = at < len(goids)
    places = np.zeros(len(wanted), np.int64)
    places[known] = order[at[known]]
    known[known] = goids[places[known]] == wanted[known]
    return known, places


def _same(
    a: Snapshot, i: NDArray[np.int64], b: Snapshot, j: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which wait in the same way at the same place on the same thing, as far as can be seen."""
    before, after = a.rows[i], b.rows[j]
    same: NDArray[np.bool_] = np.ones(len(i), np.bool_)
    for field in ("status", "reason", "obj"):
        same &= before[field] == after[field]
    since = before["waitsince"]  # once noted, it stays until the goroutine runs
    same &= (since == 0) | (since == after["waitsince"])
    pairs = zip(i.tolist(), j.tolist(), strict=True)
    same &= np.fromiter((a.select[x] == b.select[y] for x, y in pairs), np.bool_, len(i))
    stacks = np.column_stack([before["stack"], after["stack"]])
    distinct, which = np.unique(stacks, axis=0, return_inverse=True)
    alike = [_alike(_stack(a, x), _stack(b, y)) for x, y in distinct.tolist()]
    return same & np.array(alike, np.bool_)[which]


def _stack(snapshot: Snapshot, number: int) -> list[int]:
    return [] if number < 0 else snapshot.stacks[number].tolist()


def _alike(a: list[int], b: list[int]) -> bool:
    """As far as both were followed."""
    return all(x == y for x, y in zip(a, b, strict=False))


def _look(
    process: GoProcess,
    liveness: Liveness,
    snapshot: Snapshot,
    heap_limit: int,
    between: Callable[[], None],
    before: GStructs | None = None,
) -> NDArray[np.int8]:
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
        raise UnsearchedError("where its heap lies cannot be told")
    size = int((spans.end - spans.start)[spans.scan].sum())
    if size > heap_limit:
        raise UnsearchedError(
            f"{-(-size >> 20)}M of its heap may hold pointers, --snapshot-heap allows for "
            f"{heap_limit >> 20}M"
        )
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
    rows = np.flatnonzero(snapshot.waiting(*_BLOCKED) & snapshot.rows["certain"])
    known, row = _find(gs.column("goid").astype(np.int64), snapshot.rows["goid"][rows])
    rows, row = rows[known], row[known]
    stands = still[row] & np.isin(gs.status[row], (WAITING, LEAKED))
    rows, row = rows[stands], row[stands]
    forever = snapshot.waiting(*_FOREVER)[rows] & (snapshot.rows["goid"][rows] != _MAIN)
    owner, objects = snapshot.waits_on(rows)
    counts = forever.copy()
    counts[owner] = True
    number = np.cumsum(counts) - 1
    return _Blocked(row[counts], forever[counts], number[owner], objects), rows[counts]


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
    flat = blocked.objects
    in_heap, objects = spans.objects_at(flat)
    found = np.zeros(len(flat), np.bool_)
    found[in_heap] = reached[objects]
    elsewhere = np.ones(len(flat), np.bool_)
    elsewhere[in_heap] = False
    low, high = gs.column("stack", "stack.lo"), gs.column("stack", "stack.hi")
    addresses, which = np.unique(flat[elsewhere], return_inverse=True)
    held = np.zeros(len(addresses), np.bool_)
    for i, address in enumerate(addresses):
        # A global, or a variable on a stack, which lives as long as that goroutine can run; what
        # lies in neither is memory of C, of which nothing is known.
        on_stack = np.flatnonzero((low <= address) & (address < high))
        held[i] = roots.hold(int(address)) or not len(on_stack) or awake[on_stack].any()
    found[elsewhere] = held[which]
    result = np.zeros(len(blocked.row), np.bool_)
    result[blocked.owner[found]] = True
    return result & ~blocked.forever
