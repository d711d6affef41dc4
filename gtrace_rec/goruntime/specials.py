"""What finalizers and cleanups will get at when the garbage collector runs them.

Nothing in the heap refers to it: the runtime notes them outside, as a list of `special` records per
span (`runtime/mheap.go`), and counts those among the roots (markrootSpans in `runtime/mgcmark.go`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gtrace_rec.goruntime.heap import Spans, Words
from gtrace_rec.goruntime.process import GoProcess

# The kind of a finalizer is 1 before Go 1.25 and 2 since. What else has one of these numbers in
# some release is a sampled allocation or a weak handle: taken along, they keep a little more alive.
_FINALIZERS = (1, 2)
_RECORD = 40  # bytes behind the header: as long as the longest, a finalizer, is
_MOST = 1 << 14  # specials of one span that are followed


def held_by_specials(process: GoProcess, spans: Spans) -> NDArray[np.int64]:
    """Objects of the heap that a finalizer or cleanup will get at: what its function is made of,
    and for a finalizer the object that it is of.

    Raises TargetError if the process is gone.
    """
    offsets = process.binary.offsets
    header = offsets["special.sizeof"]
    wide = offsets["special.kind"] - offsets["special.offset"] == 8  # since Go 1.24
    span = np.flatnonzero(spans.specials)
    at = spans.specials[span]
    found = [np.zeros(0, np.int64)]
    for _ in range(_MOST):
        if not len(at):
            break
        rows, readable = process.read_rows(at, header + _RECORD)
        rows, span = rows[readable], span[readable]
        found.append(spans.objects_at(_words(rows, header, _RECORD))[1])
        place = _words(rows, offsets["special.offset"], 8)
        place = place if wide else place & np.uint64(0xFFFF)
        of_finalizer = np.isin(rows[:, offsets["special.kind"]], _FINALIZERS)
        owners = (spans.start[span] + place)[of_finalizer]
        found.append(spans.objects_at(owners)[1])
        at = _words(rows, offsets["special.next"], 8)
        span, at = span[at != 0], at[at != 0]
    return np.unique(np.concatenate(found))


def _words(rows: NDArray[np.uint8], begin: int, size: int) -> Words:
    words: Words = np.ascontiguousarray(rows[:, begin : begin + size]).view("<u8").ravel()
    return words
