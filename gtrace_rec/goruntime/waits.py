"""What parked goroutines wait for: channels through their sudogs.

Layouts: `sudog` in `runtime/runtime2.go`, `hchan` in `runtime/chan.go`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gtrace_rec.goruntime.process import GoProcess

_MOST_CASES = 1 << 16  # reflect.Select takes no more

# From Go 1.26 on sudog.c and sudog.elem are two words, of which the second is the pointer.
_TWO_WORDS_SINCE = 26


@dataclass(frozen=True)
class Channels:
    """The state of channels, an element each; length and capacity are -1 where unknown."""

    length: NDArray[np.int64]
    capacity: NDArray[np.int64]
    closed: NDArray[np.int64]


class Waits:
    """Follows the sudogs of one process."""

    def __init__(self, process: GoProcess) -> None:
        o = process.binary.offsets
        pointer = 8 if process.binary.go_minor >= _TWO_WORDS_SINCE else 0
        self._process = process
        self._channel = o["sudog.c"] + pointer
        self._next = o["sudog.waitlink"]
        self._sudog_size = o["sudog.sizeof"]
        self._len, self._cap = o["hchan.qcount"], o["hchan.dataqsiz"]
        self._closed = o["hchan.closed"]
        self._hchan_size = o["hchan.sizeof"]

    def channel(self, sudogs: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """The channel that each of these sudogs waits on; 0 for none."""
        return self._process.words(np.where(sudogs != 0, sudogs + self._channel, np.uint64(0)))

    def select(self, sudogs: NDArray[np.uint64]) -> list[list[int]]:
        """The channels that each select waits on, from the first of its sudogs."""
        cases: list[list[int]] = [[] for _ in sudogs]
        rows = np.flatnonzero(sudogs)
        sudogs = sudogs[rows]
        for _ in range(_MOST_CASES):
            if not len(rows):
                break
            data, readable = self._process.read_rows(sudogs, self._sudog_size)
            channel, following = _u64(data, self._channel), _u64(data, self._next)
            for row, address in zip(
                rows[readable].tolist(), channel[readable].tolist(), strict=True
            ):
                if address not in cases[row]:
                    cases[row].append(address)
            on = readable & (following != 0)
            rows, sudogs = rows[on], following[on]
        return cases

    def states(self, channels: NDArray[np.uint64]) -> Channels:
        """The state of these channels; unknown for address 0."""
        data, readable = self._process.read_rows(channels, self._hchan_size)
        closed = np.ascontiguousarray(data[:, self._closed : self._closed + 4]).view("<u4")[:, 0]
        return Channels(
            np.where(readable, _u64(data, self._len).astype(np.int64), -1),
            np.where(readable, _u64(data, self._cap).astype(np.int64), -1),
            np.where(readable, (closed != 0).astype(np.int64), -1),
        )


def _u64(rows: NDArray[np.uint8], at: int) -> NDArray[np.uint64]:
    words: NDArray[np.uint64] = np.ascontiguousarray(rows[:, at : at + 8]).view("<u8")
    return words[:, 0]
