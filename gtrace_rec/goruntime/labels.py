"""pprof labels of goroutines.

`g.labels` points at a `runtime/pprof.labelMap`: from Go 1.24 on a struct that is one slice of pairs
of strings, before that a `map[string]string`, laid out as in `runtime/map.go` of Go 1.23. It is not
changed any more once a goroutine has it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gtrace_rec.goruntime.process import GoProcess

_SLICES_SINCE = 24
_MOST_LABELS = 1024
_MOST_BYTES = 4096  # of a key or value; a longer one is not shown, as nothing of its set is

_CELLS = 8
_STRING = 16
_BUCKET = _CELLS + 2 * _CELLS * _STRING + 8  # tophash, keys, values, overflow
_EMPTY_ONE, _MIN_TOP_HASH = 1, 5
_SAME_SIZE_GROW = 8

Labels = dict[str, str]


def read_labels(process: GoProcess, pointers: NDArray[np.uint64]) -> dict[int, Labels]:
    """The labels behind each of these values of g.labels; one that cannot be read is left out."""
    pairs = _slice_pairs if process.binary.go_minor >= _SLICES_SINCE else _map_pairs
    found = {}
    for pointer in np.unique(pointers[pointers != 0]).tolist():
        strings = pairs(process, pointer)
        labels = None if strings is None else _labels(process, strings)
        if labels is not None:
            found[pointer] = labels
    return found


def _labels(process: GoProcess, strings: NDArray[np.uint64]) -> Labels | None:
    """From rows of key pointer, key length, value pointer, value length."""
    sizes = strings[:, 1::2].reshape(-1)
    if len(strings) > _MOST_LABELS or (sizes > _MOST_BYTES).any():
        return None
    ends = np.cumsum(sizes)
    buffer = np.zeros(int(sizes.sum()), np.uint8)
    readable = process.read_into(buffer, ends - sizes, strings[:, ::2].reshape(-1), sizes)
    if not readable.all():
        return None
    data, texts, start = buffer.tobytes(), [], 0
    for end in ends.tolist():
        texts.append(data[start:end].decode(errors="replace"))
        start = end
    return dict(zip(texts[::2], texts[1::2], strict=True))


def _slice_pairs(process: GoProcess, pointer: int) -> NDArray[np.uint64] | None:
    header = _words(process, pointer, 2)
    if header is None or not 0 <= header[1] <= _MOST_LABELS:
        return None
    words = _words(process, int(header[0]), 4 * int(header[1]))
    return None if words is None else words.reshape(-1, 4)


def _map_pairs(process: GoProcess, pointer: int) -> NDArray[np.uint64] | None:
    """The cells of a map: of its buckets, and of the old ones that are not yet evacuated."""
    to_map = _words(process, pointer, 1)
    header = None if to_map is None else _words(process, int(to_map[0]), 6)
    if header is None:
        return None
    flags_and_b, buckets, old = int(header[1]), int(header[2]), int(header[3])
    b = flags_and_b >> 8 & 0xFF
    if int(header[0]) > _MOST_LABELS or 1 << b > _MOST_LABELS:
        return None
    tables = [(buckets, 1 << b)]
    if old:
        tables.append((old, 1 << b if flags_and_b & _SAME_SIZE_GROW else 1 << b - 1))
    found = []
    for start, count in tables:
        chain = start + _BUCKET * np.arange(count, dtype=np.uint64)
        for _ in range(_MOST_LABELS):
            chain = chain[chain != 0]
            rows, readable = process.read_rows(chain, _BUCKET)
            if not readable.all():
                return None
            top = rows[:, :_CELLS]
            evacuated = (top[:, 0] > _EMPTY_ONE) & (top[:, 0] < _MIN_TOP_HASH)
            words = rows[:, _CELLS:].copy().view("<u8")
            cells = (top >= _MIN_TOP_HASH) & ~evacuated[:, None]
            keys, values = words[:, :16].reshape(-1, 8, 2), words[:, 16:32].reshape(-1, 8, 2)
            found.append(np.concatenate((keys, values), axis=2)[cells])
            chain = words[~evacuated, 32]
            if not len(chain):
                break
    pairs = np.concatenate(found)
    return pairs if len(pairs) == int(header[0]) else None


def _words(process: GoProcess, address: int, count: int) -> NDArray[np.uint64] | None:
    rows, readable = process.read_rows(np.array([address], np.uint64), 8 * count)
    return rows.view("<u8")[0] if readable[0] else None
