"""Which words on the stacks of parked goroutines may be pointers that will be used again.

The compiler says so for every call (getStackMap in `runtime/stkframe.go`), for the garbage
collector, and stripped binaries keep it. What else stands in a frame is left over, often from
another goroutine that had the same memory before.

A word counts as in use wherever the tables do not surely say otherwise: in the frames of signal
handlers and their callers, and on arm64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gtrace_rec._errors import TargetError
from gtrace_rec.goruntime.glimpse import Glimpse
from gtrace_rec.goruntime.gstructs import LEAKED, SYSCALL, WAITING, GStructs
from gtrace_rec.goruntime.heap import Words, read_words
from gtrace_rec.goruntime.pclntab import ARGS_UNKNOWN, Function
from gtrace_rec.goruntime.process import GoProcess
from gtrace_rec.goruntime.unwind import Unwinder, Unwound

_STACK_MAP = 1  # PCDATA, internal/abi/symtab.go
_ARGS, _LOCALS, _OBJECTS = 0, 1, 2  # FUNCDATA
_OBJECT = np.dtype([("off", "<i4"), ("size", "<i4"), ("ptrs", "<i4"), ("mask", "<u4")])
_MOST = 1 << 16  # words of a frame, or variables of it, that are believed
# Their frames, or their callers', are not as the tables say.
_SPECIAL = frozenset(
    {
        *("runtime.sigpanic", "runtime.asyncPreempt", "runtime.debugCallV2"),
        *("reflect.makeFuncStub", "reflect.methodValueCall"),
    }
)
_RECORD = 16  # words: a _panic or _defer of any Go is no longer
_LINKS = (3, 6)  # which of them may link to another one
_DEPTH = 256
_CHUNK = 500


@dataclass(frozen=True)
class _Frame:
    """What the compiler says of a frame at one call, in bytes from the frame's base.

    `words` are pointers in use; `objects` are the variables whose address is taken, from where to
    where: they are in use if a word that is points into them.
    """

    words: NDArray[np.int64]
    objects: NDArray[np.int64]


class Liveness:
    """What is in use on the stacks of one process; remembers what it read of the binary."""

    def __init__(self, process: GoProcess, between: Callable[[], None] = lambda: None) -> None:
        """`between` is called every few milliseconds."""
        self._process = process
        self._between = between
        self._functions = process.binary.functions
        self._unwinder = Unwinder(process)
        self._frames: dict[int, _Frame | None] = {}

    def words(self, gs: GStructs, start: Words, high: Words) -> Words:
        """The words in use on the stacks of these goroutines, which lie from `start` to `high`.

        A stack that is not surely still, or not known to its end, counts whole.
        """
        found = [np.zeros(0, np.uint64)]
        for first in range(0, len(gs), _CHUNK):
            part = np.zeros(len(gs), np.bool_)
            part[first : first + _CHUNK] = True
            found.append(self._chunk(gs.select(part), start[part], high[part]))
            self._between()
        return np.concatenate(found)

    def _chunk(self, gs: GStructs, start: Words, high: Words) -> Words:
        view = Glimpse(self._process, gs)
        stacks = self._unwinder.unwind(view, _DEPTH)
        high = np.maximum(high, start)
        words, places = read_words(self._process, start, high)
        after = GStructs(self._process, gs.addresses)
        known = view.still & gs.same(view.gs) & gs.same(after) & gs.has_stack & stacks.complete
        known &= np.isin(gs.status, (WAITING, LEAKED, SYSCALL))  # not those that come and go
        known &= (stacks.depth > 0) & (stacks.depth < _DEPTH) & (gs.saved_sp >= start)
        if self._process.binary.arch != "amd64":
            known[:] = False
        sizes = ((high - start) // np.uint64(8)).astype(np.int64)
        use = _Use(start, np.cumsum(sizes) - sizes, sizes, words, places)
        use.mark_all(~known)
        self._mark_frames(use, stacks, gs.saved_sp, known)
        for field in ("_defer", "_panic"):
            use.follow(np.flatnonzero(known), gs.column(field)[known])
        use.mark_objects()
        return words[use.used]

    def _mark_frames(self, use: _Use, stacks: Unwound, sp: Words, known: NDArray[np.bool_]) -> None:
        level = np.arange(stacks.pcs.shape[1])
        rows, levels = np.nonzero((level < stacks.depth[:, None]) & known[:, None])
        pcs, bases = stacks.pcs[rows, levels], stacks.bases[rows, levels]
        below = stacks.bases[rows, np.maximum(levels - 1, 0)] + np.uint64(8)
        begins = np.where(levels == 0, sp[rows], below)
        distinct, which = np.unique(pcs, return_inverse=True)
        tables = [self._of(pc) for pc in distinct.tolist()]
        whole = np.array([table is None for table in tables], np.bool_)[which]
        whole[1:] |= whole[:-1] & (rows[1:] == rows[:-1])  # and who called it
        for i in np.flatnonzero(whole).tolist():
            use.mark_range(int(rows[i]), int(begins[i]), int(bases[i]) + 8)
        order = np.argsort(which, kind="stable")
        edges = np.searchsorted(which[order], np.arange(len(distinct) + 1))
        for number, table in enumerate(tables):
            frames = order[edges[number] : edges[number + 1]]
            if table is not None:
                base = bases[frames].astype(np.int64)[:, None]
                of = np.repeat(rows[frames], len(table.words))
                use.mark(of, (base + table.words).ravel())
                use.objects.append((base[:, :, None] + table.objects).reshape(-1, 2))

    def _of(self, pc: int) -> _Frame | None:
        if pc not in self._frames:
            try:
                function = self._functions.at(pc)
                self._frames[pc] = None if function is None else self._read(function, pc)
            except TargetError:  # the binary is damaged here
                self._frames[pc] = None
        return self._frames[pc]

    def _read(self, function: Function, pc: int) -> _Frame | None:
        """None where it is not known."""
        delta = self._functions.sp_delta(pc)
        if function.name in _SPECIAL or delta is None or function.args == ARGS_UNKNOWN:
            return None
        index = self._functions.pcdata(function, _STACK_MAP, pc)
        index = max(0, -1 if index is None else index)
        locals_end = -8 if delta > 0 else 0  # the caller's frame pointer stands there
        found = [np.zeros(0, np.int64)]
        if locals_end + delta > 0:
            bits = self._bits(function, _LOCALS, index)
            if bits is None:
                return None
            found.append(np.flatnonzero(bits) * 8 + locals_end - 8 * len(bits))
        if function.args > 0:
            bits = self._bits(function, _ARGS, index)
            if bits is None:
                return None
            found.append(np.flatnonzero(bits) * 8 + 8)
        begins = [
            (off + (8 if off >= 0 else locals_end), size) for off, size in self._objects(function)
        ]
        objects = [(begin, begin + size) for begin, size in begins if begin >= -delta]
        return _Frame(np.concatenate(found), np.array(objects, np.int64).reshape(-1, 2))

    def _bits(self, function: Function, which: int, index: int) -> NDArray[np.uint8] | None:
        """One bitmap of a `stackmap`, runtime/symtab.go: a byte per word; None if there is none."""
        at = self._functions.funcdata(function, which)
        if at is None:
            return None
        count, size = np.frombuffer(self._process.binary.read(at, 8), "<i4").tolist()
        if not 0 <= index < count or not 0 <= size < _MOST:
            return None
        length = (size + 7) // 8
        packed = np.frombuffer(self._process.binary.read(at + 8 + index * length, length), np.uint8)
        return np.unpackbits(packed, count=size, bitorder="little")

    def _objects(self, function: Function) -> list[tuple[int, int]]:
        """Its variables whose address is taken, as offset and size in bytes."""
        at = self._functions.funcdata(function, _OBJECTS)
        if at is None:
            return []
        (count,) = np.frombuffer(self._process.binary.read(at, 8), "<u8").tolist()
        data = self._process.binary.read(at + 8, min(count, _MOST) * _OBJECT.itemsize)
        records = np.frombuffer(data, _OBJECT)
        return list(zip(records["off"].tolist(), records["size"].tolist(), strict=True))


class _Use:
    """Which of the words read from some stacks are in use; the stacks stand one behind another."""

    def __init__(
        self,
        start: Words,
        first: NDArray[np.int64],
        sizes: NDArray[np.int64],
        words: Words,
        places: Words,
    ) -> None:
        self._start, self._first, self._sizes = start.astype(np.int64), first, sizes
        self._words, self._places = words, places
        self.used = np.zeros(len(words), np.bool_)
        self.objects: list[NDArray[np.int64]] = []  # from which address to which

    def mark_all(self, rows: NDArray[np.bool_]) -> None:
        """The whole stacks of these."""
        self.used |= np.repeat(rows, self._sizes)

    def mark(self, rows: NDArray[np.int64], addresses: NDArray[np.int64]) -> None:
        """The words at these addresses, each of the stack of its row; others are left out."""
        slot = (addresses - self._start[rows]) >> 3
        there = (slot >= 0) & (slot < self._sizes[rows])
        self.used[(self._first[rows] + slot)[there]] = True

    def mark_range(self, row: int, begin: int, end: int) -> None:
        """All words of a stack from one address to another."""
        low = max(0, (begin - int(self._start[row])) >> 3)
        high = min(int(self._sizes[row]), max(0, (end - int(self._start[row]) + 7) >> 3))
        self.used[self._first[row] + low : self._first[row] + high] = True

    def follow(self, rows: NDArray[np.int64], records: Words) -> None:
        """The `_defer` or `_panic` at the address given for each row, where it lies on the stack,
        and those it links to: no frame speaks of them."""
        rows, records = rows[records != 0], records[records != 0]
        for row, record in zip(rows.tolist(), records.tolist(), strict=True):
            size, first = int(self._sizes[row]), int(self._first[row])
            seen, front = set[int](), [record]
            while front:
                slot = (front.pop() - int(self._start[row])) >> 3
                if 0 <= slot < size and slot not in seen:
                    seen.add(slot)
                    at = first + slot
                    self.used[at : first + min(size, slot + _RECORD)] = True
                    front += self._words[at + _LINKS[0] : at + _LINKS[1]].tolist()

    def mark_objects(self) -> None:
        """What words in use point at among `objects`, and what that points at, and so on."""
        begin, end = _merged(np.concatenate([np.zeros((0, 2), np.int64), *self.objects]))
        if not len(begin):
            return
        places = self._places.astype(np.int64)
        number = np.searchsorted(begin, places, "right") - 1  # the object that each word lies in
        number[places >= end[number]] = -1
        new = np.flatnonzero(self.used)
        seen = np.zeros(len(begin), np.bool_)
        while len(new):
            values = self._words[new]
            values = values[values < np.uint64(1 << 63)].astype(np.int64)
            to = np.searchsorted(begin, values, "right") - 1
            pointed = np.zeros(len(begin), np.bool_)
            pointed[to[(to >= 0) & (values < end[to])]] = True
            pointed &= ~seen
            seen |= pointed
            new = np.flatnonzero((number >= 0) & pointed[number] & ~self.used)
            self.used[new] = True


def _merged(objects: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ranges in order of address; those that overlap, as variables may that are not needed at the
    same time, as one."""
    objects = objects[np.argsort(objects[:, 0], kind="stable")]
    if not len(objects):
        return objects[:, 0], objects[:, 1]
    reach = np.maximum.accumulate(objects[:, 1])
    leads = np.concatenate([[True], objects[1:, 0] >= reach[:-1]])
    return objects[leads, 0], np.maximum.reduceat(objects[:, 1], np.flatnonzero(leads))
