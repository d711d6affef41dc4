"""The names of Go's wait reasons, read from the binary's own `runtime.waitReasonStrings`.

They were renumbered in Go 1.20, 1.24, 1.25 and 1.26 and appended to by patch releases, so a table
is only the second choice.
"""

from __future__ import annotations

import re
from itertools import islice

import numpy as np

from gtrace_rec._errors import TargetError
from gtrace_rec.goruntime.elf import ElfImage
from gtrace_rec.goruntime.pclntab import FunctionTable

# The array's entry 1 in every Go release; entry 0 is the empty string.
_FIRST = b"GC assist marking"
_STRING_HEADER = 16
_MAX_REASONS, _MAX_NAME = 255, 128
_MAX_PLACES = 16

# What waitReason.String compares the reason with first: the number of names.
_CMP_AL = re.compile(rb"\x3c(.)", re.DOTALL)
_CMPW_MASK, _CMPW = 0xFFC0001F, 0x7100001F


def read_wait_reasons(image: ElfImage, functions: FunctionTable) -> tuple[str, ...] | None:
    """The names by number, "" for number 0; None where the binary does not yield them."""
    try:
        symbol = image.symbols.named("runtime.waitReasonStrings")
        if symbol:
            return _strings(image, symbol.vaddr, symbol.size // _STRING_HEADER)
        count = _count(image, functions)
        array = _find_array(image)
        return None if count is None or array is None else _strings(image, array, count)
    except (TargetError, UnicodeDecodeError):
        return None


def _count(image: ElfImage, functions: FunctionTable) -> int | None:
    function = functions.named("runtime.waitReason.String")
    if function is None:
        return None
    code = image.read(function.entry, min(24, function.end - function.entry))
    if image.arch == "amd64":
        compare = _CMP_AL.search(code)
        return compare[1][0] if compare else None
    words: list[int] = np.frombuffer(code, "<u4", len(code) // 4).tolist()
    return next((w >> 10 & 0xFFF for w in words if w & _CMPW_MASK == _CMPW), None)


def _find_array(image: ElfImage) -> int | None:
    for segment in image.segments:
        for text in islice(image.find(_FIRST, segment.vaddr, segment.end), _MAX_PLACES):
            for entry in islice(image.pointers_to(text), _MAX_PLACES):
                if image.words(entry, 2)[1] == len(_FIRST):
                    return entry - _STRING_HEADER
    return None


def _strings(image: ElfImage, array: int, count: int) -> tuple[str, ...] | None:
    if not 2 <= count <= _MAX_REASONS:
        return None
    words = image.words(array, 2 * count)
    names = []
    for pointer, size in zip(words[::2], words[1::2], strict=True):
        if size > _MAX_NAME:
            return None
        names.append(image.read(pointer, size).decode() if size else "")
    return tuple(names) if names[0] == "" and names[1].encode() == _FIRST else None
