"""Direct calls from one function to another, found in the machine code without a disassembler.

On amd64 a direct call is `e8 rel32`, on arm64 `BL imm26`. A byte that looks like a call's opcode
inside another instruction does not matter: its operand would have to name the callee's entry
exactly.
"""

from __future__ import annotations

import struct

import numpy as np

from gtrace_rec.goruntime.elf import ElfImage
from gtrace_rec.goruntime.pclntab import Function

_CALL_SIZE = 5
_LEA = b"\x48\x8d\x05"
_BL_MASK, _BL = 0xFC000000, 0x94000000


def call_sites(image: ElfImage, function: Function, callee: Function) -> list[int]:
    """Addresses in `function` of the calls of exactly `callee`, in order."""
    code = image.read(function.entry, function.end - function.entry)
    scan = _calls_arm64 if image.arch == "arm64" else _calls_amd64
    return scan(code, function.entry, callee.entry)


def _calls_amd64(code: bytes, start: int, target: int) -> list[int]:
    data = np.frombuffer(code, np.uint8)
    at = np.flatnonzero(data[: max(len(data) - _CALL_SIZE + 1, 0)] == 0xE8)
    operand = data[at[:, None] + np.arange(1, _CALL_SIZE)].view("<i4")[:, 0]
    pcs: list[int] = (start + at[start + at + _CALL_SIZE + operand == target]).tolist()
    return pcs


def _calls_arm64(code: bytes, start: int, target: int) -> list[int]:
    words = np.frombuffer(code, "<u4", len(code) // 4)
    at = np.flatnonzero((words & _BL_MASK) == _BL)
    distance = (words[at] << np.uint32(6)).view(np.int32).astype(np.int64) >> 4
    pcs: list[int] = (start + 4 * at[start + 4 * at + distance == target]).tolist()
    return pcs


def address_argument(image: ElfImage, call: int) -> int | None:
    """The address that the instructions right before a call load as its first argument.

    On amd64 `lea disp32(%rip), %rax`; on arm64 `ADRP X0, page; ADD X0, X0, #low`.
    """
    if image.arch == "amd64":
        code = image.read(call - 7, 7)
        return call + int.from_bytes(code[3:], "little", signed=True) if code[:3] == _LEA else None
    adrp: int
    add: int
    adrp, add = struct.unpack("<II", image.read(call - 8, 8))
    if adrp & 0x9F00001F != 0x90000000 or add & 0xFFC003FF != 0x91000000:
        return None
    pages = (adrp >> 5 & 0x7FFFF) << 2 | adrp >> 29 & 3
    pages -= (pages & 1 << 20) << 1  # signed, 21 bits
    page: int = ((call - 8) >> 12) + pages
    return (page << 12) + (add >> 10 & 0xFFF)
