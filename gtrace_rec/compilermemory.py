"""Memory that the compiler inside bcc took, given back once the BPF programs are loaded.

clang and LLVM leave some 100 MB behind in the process, most of it their own code, which is not
needed again unless another program is loaded; then it is read from the page cache.
"""

from __future__ import annotations

import ctypes
import re
from pathlib import Path

_MADV_PAGEOUT = 21  # include/uapi/asm-generic/mman-common.h, since Linux 5.4
_COMPILER = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) .*/lib(?:LLVM|clang)[^/]*$", re.MULTILINE)


def give_back() -> None:
    """Return to the kernel what was freed, and the pages of the compiler's code that are unchanged.

    Nothing is lost by it, so a kernel that will not is no error.
    """
    libc = ctypes.CDLL(None)
    libc.malloc_trim(ctypes.c_size_t(0))
    for start, end in _COMPILER.findall(Path("/proc/self/maps").read_text()):
        begin = int(start, 16)
        libc.madvise(ctypes.c_void_p(begin), ctypes.c_size_t(int(end, 16) - begin), _MADV_PAGEOUT)
