"""The Go heap of a running process as a graph of objects, read from outside.

What is an object, and how large, say the runtime's own spans (`runtime/mheap.go`); which words of
it are pointers is not asked: every word that looks like the address of an object counts as one, so
that more may seem reachable than is, but not less.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gtrace_rec.goruntime.process import GoProcess

_PAGE = 8192  # runtime.pageSize
_IN_USE = 1  # mSpanInUse; stacks are mSpanManual
_NOSCAN = 1  # lowest bit of a spanClass
_SPANS_MOST = 1 << 24
_NEEDED = {"mheap.allspans", "mspan.sizeof", "mspan.specials", "special.sizeof"}
_OBJECTS_MOST = 1 << 31  # they are numbered in 32 bits
_PIECE = 1 << 20
_BATCH = 4 << 20  # read at a time: some tens of milliseconds

Words = NDArray[np.uint64]
Objects = NDArray[np.int64]  # numbers of objects


@dataclass(frozen=True)
class Spans:
    """The spans in use, by address. Objects are numbered through, span after span."""

    start: Words
    end: Words
    elemsize: Words
    first: NDArray[np.int64]  # number of its first object
    scan: NDArray[np.bool_]  # its objects may hold pointers
    specials: Words  # the first record of what the runtime notes of its objects, or 0
    objects: int  # in all

    def objects_at(self, addresses: Words) -> tuple[Objects, NDArray[np.int64]]:
        """Which of `addresses` lie in the heap, and the numbers of the objects they lie in."""
        inside = np.flatnonzero((addresses >= self.start[0]) & (addresses < self.end[-1]))
        found = addresses[inside]
        span = np.searchsorted(self.start, found, "right") - 1
        keep = found < self.end[span]
        inside, found, span = inside[keep], found[keep], span[keep]
        slot = (found - self.start[span]) // self.elemsize[span]
        return inside, self.first[span] + slot.astype(np.int64)

    def ends_of(self, addresses: Words) -> Words:
        """Where the objects end in which these addresses lie, which must be in the heap."""
        span = np.searchsorted(self.start, addresses, "right") - 1
        size = self.elemsize[span]
        ends: Words = self.start[span] + ((addresses - self.start[span]) // size + 1) * size
        return ends


def read_spans(process: GoProcess) -> Spans | None:
    """The spans of the heap; None where the binary does not tell how to find them."""
    offsets = process.binary.offsets
    mheap = process.binary.mheap
    if mheap is None or not set(offsets) >= _NEEDED:
        return None
    listed = process.live(mheap) + offsets["mheap.allspans"]
    pointer, count = process.word(listed), process.word(listed + 8)
    if not 0 < count < _SPANS_MOST:
        return None
    spans, readable = process.read_rows(np.array([pointer], np.uint64), 8 * count)
    rows, good = process.read_rows(spans.view("<u8")[0], offsets["mspan.sizeof"])

    def words(name: str) -> Words:
        at = offsets[f"mspan.{name}"]
        column: Words = np.ascontiguousarray(rows[:, at : at + 8]).view("<u8")[:, 0]
        return column

    start, pages, elemsize = words("startAddr"), words("npages"), words("elemsize")
    specials = words("specials")
    spanclass, state = rows[:, offsets["mspan.spanclass"]], rows[:, offsets["mspan.state"]]
    use = good & (state == _IN_USE) & (start != 0) & (elemsize != 0) & bool(readable[0])
    order = np.flatnonzero(use)
    order = order[np.argsort(start[order], kind="stable")]
    start, elemsize = start[order], elemsize[order]
    end = start + pages[order] * np.uint64(_PAGE)
    if not len(start) or (start[1:] < end[:-1]).any():
        return None  # torn, or not what it is taken for
    counts = -(-(end - start).astype(np.int64) // elemsize.astype(np.int64))
    scan = spanclass[order] & _NOSCAN == 0
    if counts.sum() >= _OBJECTS_MOST:
        return None
    first = np.cumsum(counts) - counts
    return Spans(start, end, elemsize, first, scan, specials[order], int(counts.sum()))


class Graph:
    """Which objects of the heap refer to which."""

    def __init__(
        self,
        process: GoProcess,
        spans: Spans,
        without: Sequence[tuple[int, int]] = (),
        between: Callable[[], None] = lambda: None,
    ) -> None:
        """Read all objects that may hold pointers, but not the ranges of memory in `without`.

        `between` is called every few milliseconds.

        Raises TargetError if the process is gone.
        """
        self._process = process
        self.spans = spans
        self._without = without
        self._first_words: list[tuple[Objects, Words]] = []
        edges = []
        for batch in self._batches():
            edges.append(self._edges_of(batch))
            between()
        source = np.concatenate([s for s, _ in edges] or [np.zeros(0, np.int32)])
        target = np.concatenate([t for _, t in edges] or [np.zeros(0, np.int32)])
        del edges
        between()
        order = np.argsort(source, kind="stable")
        self._target = target[order]
        self._begin = np.searchsorted(source[order], np.arange(spans.objects + 1))
        self.opaque = np.zeros(spans.objects, np.bool_)  # refer to nothing, whatever they hold

    @property
    def size(self) -> int:
        """Number of objects."""
        return self.spans.objects

    def _batches(self) -> list[NDArray[np.int64]]:
        spans = np.flatnonzero(self.spans.scan)
        sizes = (self.spans.end - self.spans.start)[spans].astype(np.int64)
        batch = np.cumsum(sizes) // _BATCH
        return np.split(spans, np.flatnonzero(np.diff(batch)) + 1) if len(spans) else []

    def _edges_of(self, spans: NDArray[np.int64]) -> tuple[Objects, Objects]:
        s = self.spans
        words, places = read_words(self._process, s.start[spans], s.end[spans])
        for low, high in self._without:
            words[(places >= low) & (places < high)] = 0
        inside, target = s.objects_at(words)
        _, source = s.objects_at(places[inside])
        self._note_first_words(words[inside], places[inside], source)
        keep = source != target
        return source[keep].astype(np.int32), target[keep].astype(np.int32)

    def _note_first_words(self, words: Words, places: Words, source: Objects) -> None:
        s = self.spans
        span = np.searchsorted(s.start, places, "right") - 1
        leads = (places - s.start[span]) % s.elemsize[span] == 0
        self._first_words.append((source[leads], words[leads]))

    def begins_with(self, values: Words) -> NDArray[np.bool_]:
        """Which objects have one of `values`, which are sorted, as their first word."""
        result = np.zeros(self.size, np.bool_)
        for objects, words in self._first_words:
            if len(values):
                at = np.minimum(np.searchsorted(values, words), len(values) - 1)
                result[objects[values[at] == words]] = True
        return result

    def mark(self, reached: NDArray[np.bool_], roots: Objects) -> None:
        """Add to `reached` all that can be reached from `roots`."""
        front = np.unique(roots[~reached[roots]])
        while len(front):
            reached[front] = True
            front = front[~self.opaque[front]]
            begin, end = self._begin[front], self._begin[front + 1]
            count = end - begin
            total = int(count.sum())
            at = np.repeat(begin - (np.cumsum(count) - count), count) + np.arange(total)
            targets = self._target[at]
            front = np.unique(targets[~reached[targets]])


def read_words(process: GoProcess, start: Words, end: Words) -> tuple[Words, Words]:
    """The words of these ranges of memory, and their addresses; 0 where they cannot be read."""
    sizes = (end - start).astype(np.int64)
    pieces = -(-sizes // _PIECE)
    range_of = np.repeat(np.arange(len(start)), pieces)
    number = np.arange(int(pieces.sum())) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    address = start[range_of] + (number * _PIECE).astype(np.uint64)
    length = np.minimum(end[range_of] - address, np.uint64(_PIECE))
    at = np.cumsum(length) - length
    buffer = np.zeros(int(sizes.sum()), np.uint8)
    process.read_into(buffer, at, address, length)
    words = buffer.view("<u8")
    offset = np.arange(len(words), dtype=np.uint64) * np.uint64(8)
    piece = np.searchsorted(at, offset, "right") - 1
    return words, address[piece] + (offset - at[piece])
