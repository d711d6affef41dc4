"""Reading the memory of a running Go process, which goes on running.

Reads are `process_vm_readv(2)`: many places at once, nothing is stopped and nothing is written.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gtrace_rec._errors import GoneError, HostError, TargetError
from gtrace_rec.goruntime.binary import GoBinary

_IOV_MAX = 1024  # include/uapi/linux/uio.h: UIO_MAXIOV
_IOVEC = np.dtype([("base", "<u8"), ("len", "<u8")])

_NSPID = re.compile(r"^NSpid:(.*)$", re.MULTILINE)  # since Linux 4.1

_libc = ctypes.CDLL(None, use_errno=True)
_libc.process_vm_readv.restype = ctypes.c_ssize_t
_libc.process_vm_readv.argtypes = (
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_ulong,
    ctypes.c_void_p,
    ctypes.c_ulong,
    ctypes.c_ulong,
)


class GoProcess:
    """A running Go program: its pid, its binary, and what was added to the binary's addresses.

    Addresses given to the reading methods are those of the running process; `live` makes them from
    addresses of the binary. All of them raise GoneError once the process is gone, and HostError
    where this user may not look at it.
    """

    def __init__(self, pid: int, binary: GoBinary, load_bias: int = 0) -> None:
        self.pid = pid
        self.binary = binary
        self.load_bias = load_bias

    def __repr__(self) -> str:
        return f"GoProcess({self.pid}, {self.binary.path}, {self.load_bias:#x})"

    def live(self, vaddr: int) -> int:
        """Where an address of the binary lies in this process."""
        return vaddr + self.load_bias

    def read(self, address: int, size: int) -> bytes:
        """`size` bytes. Raises TargetError if not all of them can be read."""
        rows, readable = self.read_rows(np.array([address], np.uint64), size)
        if not readable[0]:
            raise TargetError(f"pid {self.pid}: {size} bytes at {address:#x} cannot be read")
        return rows.tobytes()

    def word(self, address: int) -> int:
        """The 64-bit word at this address. Raises TargetError if it cannot be read."""
        return int.from_bytes(self.read(address, 8), "little")

    @cached_property
    def lives_apart(self) -> bool:
        """It lives in a pid namespace of its own: the ids it knows are not ours."""
        try:
            return not os.path.samefile(f"/proc/{self.pid}/ns/pid", "/proc/self/ns/pid")
        except OSError:
            return False

    def threads(self) -> dict[int, int]:
        """Its threads' ids as it knows them itself, and as this process does.

        They differ where it lives in a pid namespace of its own.
        """
        found = {}
        for task in Path(f"/proc/{self.pid}/task").glob("*/status"):
            with contextlib.suppress(OSError):  # it ended just now
                ids = _NSPID.search(task.read_text())
                outer = int(task.parent.name)
                found[int(ids[1].split()[-1]) if ids else outer] = outer
        return found

    def words(self, addresses: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """The 64-bit word at each address; 0 where it cannot be read."""
        rows, _ = self.read_rows(addresses, 8)
        words: NDArray[np.uint64] = rows.view("<u8")[:, 0]
        return words

    def words_at(self, structs: NDArray[np.uint64], field: str) -> NDArray[np.uint64]:
        """A word of each of these structs, "m.curg"; 0 for address 0 and where unreadable."""
        offset = np.uint64(self.binary.offsets[field])
        return self.words(np.where(structs != 0, structs + offset, np.uint64(0)))

    def read_rows(
        self, addresses: NDArray[np.uint64], size: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """`size` bytes from each address as one row each, and which rows could be read.

        A row that could not is zero.
        """
        rows = np.zeros((len(addresses), size), np.uint8)
        at = np.arange(len(addresses), dtype=np.uint64) * size
        return rows, self.read_into(rows, at, addresses, np.full_like(at, size))

    def read_into(
        self,
        buffer: NDArray[np.uint8],
        at: NDArray[np.uint64],
        addresses: NDArray[np.uint64],
        sizes: NDArray[np.uint64],
    ) -> NDArray[np.bool_]:
        """Read pieces of memory to offsets `at` of a contiguous buffer; True where that worked.

        A piece that cannot be read whole is left zero, and does not keep the others from being
        read. Nothing lies at address 0.
        """
        readable: NDArray[np.bool_] = addresses != 0
        wanted = np.flatnonzero(readable)
        local, remote = np.empty(len(wanted), _IOVEC), np.empty(len(wanted), _IOVEC)
        local["base"], local["len"] = (at + buffer.ctypes.data)[wanted], sizes[wanted]
        remote["base"], remote["len"] = addresses[wanted], sizes[wanted]
        ends = np.cumsum(remote["len"])
        first, done = 0, 0  # pieces, and bytes of them
        while first < len(wanted):
            last = min(first + _IOV_MAX, len(wanted))
            done += self._readv(local[first:last], remote[first:last])
            if done == ends[last - 1]:
                first = last
                continue
            # The kernel stopped at a piece that it cannot read: go on behind it.
            failed = int(np.searchsorted(ends, done, "right"))
            start, size = int(at[wanted[failed]]), int(remote["len"][failed])
            buffer.reshape(-1)[start : start + size] = 0
            readable[wanted[failed]] = False
            first, done = failed + 1, int(ends[failed])
        return readable

    def _readv(self, local: NDArray[np.void], remote: NDArray[np.void]) -> int:
        got: int = _libc.process_vm_readv(
            self.pid, local.ctypes.data, len(local), remote.ctypes.data, len(remote), 0
        )
        if got >= 0:
            return got
        error = ctypes.get_errno()
        if error == errno.EFAULT:
            return 0
        if error == errno.ESRCH:
            raise GoneError(f"pid {self.pid}: the process is gone")
        if error == errno.EPERM:
            raise HostError(
                f"pid {self.pid}: no permission to read its memory; run as root (sudo), or with "
                "CAP_SYS_PTRACE"
            )
        raise TargetError(f"pid {self.pid}: its memory cannot be read: {os.strerror(error)}")
