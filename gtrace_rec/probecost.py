"""What probes cost: counted by the kernel, and measured on a loop of our own.

A hit costs the trap into the kernel and back, and what the BPF program takes. The kernel counts
the hits and times the programs (Documentation/bpf/, BPF_ENABLE_STATS, Linux 5.8), but not the trap,
which is 0.3 µs on some machines and 2 µs on others. That is measured here, once: a few
instructions in a file of their own, run in this process with and without a probe that does nothing.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import struct
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from gtrace_rec import uprobes
from gtrace_rec._errors import HostError
from gtrace_rec.hostcheck import bpf

_BPF_ENABLE_STATS = 32  # include/uapi/linux/bpf.h
_HITS = 10_000

# A loop around the instruction to probe, and where in it that is.
_LOOPS = {
    # mov ecx, HITS; again: call next; next: pop rax; dec ecx; jnz again; ret
    "x86_64": (b"\xb9" + _HITS.to_bytes(4, "little") + b"\xe8\0\0\0\0\x58\xff\xc9\x75\xf6\xc3", 5),
    # mov x9, x30; mov w10, HITS; again: bl next; next: subs w10, w10, 1; b.ne again;
    # mov x30, x9; ret
    "aarch64": (
        struct.pack(
            "<7I",
            *(0xAA1E03E9, 0x5280000A | _HITS << 5, 0x94000001),
            *(0x7100054A, 0x54FFFFC1, 0xAA0903FE, 0xD65F03C0),
        ),
        8,
    ),
}


class Cost(NamedTuple):
    """What probes have cost since they were loaded."""

    hits: int
    ns: int  # within the BPF programs, the trap not included


class ProbeCost:
    """The kernel's count of what BPF programs cost, for as long as this exists."""

    def __init__(self) -> None:
        """Raises HostError if the kernel does not count."""
        try:
            self._fd = bpf(_BPF_ENABLE_STATS, ctypes.create_string_buffer(4))
        except OSError as e:
            raise HostError(
                f"the kernel would not count what probes cost ({e.strerror}), which "
                "--max-overhead is kept by; it takes CAP_SYS_ADMIN: run gtrace-rec with sudo"
            ) from None

    def close(self) -> None:
        """Count no more."""
        os.close(self._fd)


class Counters:
    """The kernel's counters of some BPF programs."""

    def __init__(self, programs: Iterable[int]) -> None:
        """`programs` are their descriptors."""
        self._files = [os.open(f"/proc/self/fdinfo/{fd}", os.O_RDONLY) for fd in programs]

    def read(self) -> Cost:
        """What they have cost while a ProbeCost counted."""
        hits = ns = 0
        for file in self._files:
            fields = os.pread(file, 4096, 0).split()
            hits += int(fields[fields.index(b"run_cnt:") + 1])
            ns += int(fields[fields.index(b"run_time_ns:") + 1])
        return Cost(hits, ns)

    def close(self) -> None:
        """Let go of them."""
        for file in self._files:
            os.close(file)


def trap_ns(empty_program: int) -> float:
    """What a hit costs beside its BPF program; `empty_program` is one that does nothing."""
    code, site = _LOOPS[platform.machine()]
    fd = os.memfd_create("gtrace-trap")
    try:
        os.write(fd, code)
        with mmap.mmap(fd, len(code), mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC) as text:
            view = np.frombuffer(text, np.uint8)
            loop = ctypes.CFUNCTYPE(None)(view.ctypes.data)
            without = min(_took(loop) for _ in range(3))
            link = uprobes.attach(empty_program, f"/proc/self/fd/{fd}", site, os.getpid())
            try:
                probed = min(_took(loop) for _ in range(3))
            finally:
                uprobes.detach([link])
            del view
    finally:
        os.close(fd)
    return max(probed - without, 0) / _HITS


def _took(loop: Callable[[], None]) -> int:
    before = time.thread_time_ns()
    loop()
    return time.thread_time_ns() - before
