"""The BPF ring buffer, read in whole blocks.

bcc hands each record to a Python function, which costs microseconds and loses a quarter of the
events at rates Go programs reach, without saying so. Here the ring is mapped into memory and read
as one numpy array. Layout: kernel/bpf/ringbuf.c and Documentation/bpf/ringbuf.rst (Linux 5.8 on).
"""

from __future__ import annotations

import mmap
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gtrace_rec.plan import KIND_CODES

# struct event of bpf/event.h, behind the ring's own header of each record.
RECORD = np.dtype(
    [
        ("header_len", "<u4"),
        ("header_page", "<u4"),
        ("ts", "<u8"),
        ("goid", "<u8"),
        ("other_goid", "<u8"),
        ("obj", "<u8"),
        ("pc", "<u8"),
        ("stack", "<u8"),
        ("tid", "<u4"),
        ("pid", "<u4"),
        ("cpu", "<u2"),
        ("kind", "u1"),
        ("reason", "u1"),
        ("unused", "<u4"),
    ]
)
_BUSY = 1 << 31
_CREATE, _CREATE_PARKED, _CREATE_SYSCALL = (
    KIND_CODES[kind] for kind in ("create", "create_parked", "create_syscall")
)

Block = NDArray[np.void]


def creations(block: Block) -> NDArray[np.bool_]:
    """Which of the events make a goroutine."""
    kind = block["kind"]
    made: NDArray[np.bool_] = (
        (kind == _CREATE) | (kind == _CREATE_PARKED) | (kind == _CREATE_SYSCALL)
    )
    return made


class Gap(NamedTuple):
    """Events that were lost, as a row of schema.GAPS."""

    pid: int | None
    cpu: int | None
    ts: int
    ts_end: int
    cause: str
    lost: int | None


class Ring:
    """The consumer's side of one BPF ring buffer with records of one size."""

    def __init__(self, map_fd: int, size: int) -> None:
        """Map the ring of `size` bytes behind `map_fd`."""
        page = mmap.PAGESIZE
        self._size = size
        # One page for us to write our position in; one for the kernel's, then the data, twice in
        # a row, so that a record that wraps around lies in one piece.
        self._consumer_page = mmap.mmap(map_fd, page)
        self._producer_pages = mmap.mmap(map_fd, page + 2 * size, prot=mmap.PROT_READ, offset=page)
        self._consumer = np.frombuffer(self._consumer_page, "<u8", count=1)
        self._producer = np.frombuffer(self._producer_pages, "<u8", count=1)
        self._data_offset = page
        self.fullest = 0.0  # fullest it was found since the caller last reset this

    def read_into(self, room: Block) -> int:
        """Move the oldest records to `room`, as many as fit; returns how many there were.

        A record still being written ends it.
        """
        consumed = int(self._consumer[0])
        waiting = int(self._producer[0]) - consumed
        self.fullest = max(self.fullest, waiting / self._size)
        count = min(waiting // RECORD.itemsize, len(room))
        view: Block = np.ndarray(
            (count,),
            RECORD,
            buffer=self._producer_pages,
            offset=self._data_offset + consumed % self._size,
        )
        busy = view["header_len"] >= _BUSY
        if busy.any():
            count = int(busy.argmax())
        # As words: numpy would copy records field by field.
        room[:count].view("<u8")[:] = view[:count].view("<u8")
        self._consumer[0] = consumed + count * RECORD.itemsize
        return count

    def close(self) -> None:
        """Unmap the ring."""
        del self._consumer, self._producer
        self._consumer_page.close()
        self._producer_pages.close()
