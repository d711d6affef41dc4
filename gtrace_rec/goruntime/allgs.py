"""The list of all goroutines in a stripped binary, from the code that reads it.

`runtime.forEachGRace` (proc.go) begins with atomicAllG, inlined: it loads allglen, then allgptr,
and no other global. So the first two globals it loads are these.
"""

from __future__ import annotations

import re
import struct

from gtrace_rec.goruntime.elf import ElfImage
from gtrace_rec.goruntime.pclntab import Function

# mov disp32(%rip), %reg: REX.W with or without REX.R, 8b, ModRM with mod 0 and r/m 5.
_MOV_RIP = re.compile(rb"[\x48\x4c]\x8b[\x05\x0d\x15\x1d\x25\x2d\x35\x3d](.{4})", re.DOTALL)
_PAGE = 12


def loaded_globals(image: ElfImage, function: Function) -> tuple[int, int] | None:
    """Addresses of the first two globals that this function loads; None if it loads fewer."""
    code = image.read(function.entry, function.end - function.entry)
    scan = _loads_arm64 if image.arch == "arm64" else _loads_amd64
    found = scan(code, function.entry)[:2]
    return (found[0], found[1]) if len(found) == 2 and found[0] != found[1] else None


def _loads_amd64(code: bytes, start: int) -> list[int]:
    return [start + m.end() + struct.unpack("<i", m[1])[0] for m in _MOV_RIP.finditer(code)]


def _loads_arm64(code: bytes, start: int) -> list[int]:
    """ADRP xN, page; ADD xN, xN, #low; LDAR xM, [xN]."""
    words = [w for (w,) in struct.iter_unpack("<I", code[: len(code) & ~3])]
    found = []
    for i, (adrp, add, ldar) in enumerate(zip(words, words[1:], words[2:], strict=False)):
        register = adrp & 31
        if adrp & 0x9F000000 != 0x90000000 or ldar & 0xFFFFFC00 != 0xC8DFFC00:
            continue
        if add & 0xFFC00000 != 0x91000000 or add & 31 != register or add >> 5 & 31 != register:
            continue
        if ldar >> 5 & 31 != register:
            continue
        pages = (adrp >> 5 & 0x7FFFF) << 2 | adrp >> 29 & 3
        pages -= (pages & 1 << 20) << 1  # signed, 21 bits
        page = ((start + 4 * i) >> _PAGE) + pages
        found.append((page << _PAGE) + (add >> 10 & 0xFFF))
    return found
