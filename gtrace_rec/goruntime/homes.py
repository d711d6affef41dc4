"""Where a parked goroutine keeps what it waits for, if that is no channel.

It is the first argument of a function near gopark. Go passes arguments in registers, but reserves a
home slot for each in the caller's frame and stores the register there if the function needs the
argument again after a call (cmd/compile/abi-internal.md). Whether it does is seen in its code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from gtrace_rec.goruntime.binary import GoBinary
from gtrace_rec.goruntime.pclntab import Function

# mov %rax, disp(%rsp), with 8 or 32 bits of displacement.
_STORE_AMD64 = re.compile(rb"\x48\x89(?:\x44\x24(.)|\x84\x24(....))", re.DOTALL)
# str x0, [sp, #imm12*8]
_STORE_ARM64, _STORE_ARM64_MASK = 0xF90003E0, 0xFFC003FF


@dataclass(frozen=True)
class Waiter:
    """A function whose first argument is what its goroutine is parked for.

    `frames` is how many calls it is away from gopark: 1 if it calls it itself.
    """

    name: str
    frames: int
    meaning: str


WAITERS = (
    Waiter("runtime.semacquire1", 1, "a semaphore: that of a mutex or a wait group"),
    Waiter("sync.runtime_notifyListWait", 1, "the list of a sync.Cond"),
    # netpollblock, between it and gopark, does not keep its argument.
    Waiter("internal/poll.runtime_pollWait", 2, "a poll descriptor"),
)


def first_argument_kept(binary: GoBinary, function: Function) -> bool:
    """Whether the function stores its first argument in its home slot."""
    code = binary.read(function.entry, function.end - function.entry)
    for at, displacement in _stores(code, binary.arch):
        frame = binary.sp_delta(function.entry + at)
        # Without a frame yet, it is for the time of growing the stack only.
        if frame and displacement == frame + 8:
            return True
    return False


def kept_waiters(binary: GoBinary) -> list[tuple[Waiter, Function]]:
    """Those of WAITERS that this binary has and that keep their argument."""
    found = ((w, binary.functions.named(w.name)) for w in WAITERS)
    return [(w, f) for w, f in found if f and first_argument_kept(binary, f)]


def _stores(code: bytes, arch: str) -> list[tuple[int, int]]:
    """Offset and displacement from the stack pointer of each store of the argument's register."""
    if arch == "amd64":
        return [
            (m.start(), int.from_bytes(m[1] or m[2], "little")) for m in _STORE_AMD64.finditer(code)
        ]
    words: list[int] = np.frombuffer(code, "<u4", len(code) // 4).tolist()
    return [
        (4 * i, (w >> 10 & 0xFFF) * 8)
        for i, w in enumerate(words)
        if w & _STORE_ARM64_MASK == _STORE_ARM64
    ]
