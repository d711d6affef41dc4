"""What an instruction costs to probe, and where a function's prologue ends.

A uprobe's instruction is either emulated by the kernel, about a microsecond a hit, or executed out
of line and single-stepped, two to eighteen times as dear. Which are emulated: Linux
`arch/x86/kernel/uprobes.c` (branch_setup_xol_ops, push_setup_xol_ops) and
`arch/arm64/kernel/probes/decode-insn.c`. Prologues: `cmd/internal/obj/{x86,arm64}/obj*.go`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from gtrace_rec.goruntime.elf import ElfImage
from gtrace_rec.goruntime.pclntab import Function

EMULATED, STEPPED = "emulated", "stepped"

# call, jmp, jmp short, jcc short, jcc near, nop, push reg
_EMULATED_AMD64 = re.compile(
    rb"\xe8|\xe9|\xeb|[\x70-\x7f]|\x0f[\x80-\x8f]|\x90|\x41?[\x50-\x57]", re.DOTALL
)
_SIMULATED_ARM64 = (  # mask, value
    (0x7C000000, 0x14000000),  # b, bl
    (0xFF000010, 0x54000000),  # b.cond
    (0x7E000000, 0x34000000),  # cbz, cbnz
    (0x7E000000, 0x36000000),  # tbz, tbnz
    (0xFFFFFC1F, 0xD61F0000),  # br
    (0xFFFFFC1F, 0xD63F0000),  # blr
    (0xFFFFFC1F, 0xD65F0000),  # ret
    (0x1F000000, 0x10000000),  # adr, adrp
)

# cmp 16|24(%r14), %rsp, or with a large frame lea -n(%rsp), %r12; cmp 16|24(%r14), %r12. Then jbe.
_CHECK_AMD64 = re.compile(
    rb"(?:\x49\x3b\x66[\x10\x18]"
    rb"|(?:\x4c\x8d\x64\x24.|\x4c\x8d\xa4\x24....)\x4d\x3b\x66[\x10\x18])"
    rb"(\x76.|\x0f\x86....)",
    re.DOTALL,
)
_PUSH_BP = b"\x55"
_BRANCH_LS_MASK, _BRANCH_LS = 0xFF00001F, 0x54000009
_LONGEST_CHECK = 32


class Prologue(NamedTuple):
    """Addresses in a function's first instructions; None where it has no such instruction.

    `stack_check` is the branch to `morestack`: taken when the stack must grow, after which the
    function begins anew. `push_frame` is amd64's `push %rbp` (Go 1.21 and later): it is executed
    once for each call.
    """

    stack_check: int | None
    push_frame: int | None


def cost_class(image: ElfImage, address: int) -> str:
    """ "emulated" or "stepped": what the kernel does with a uprobe on this instruction."""
    if image.arch == "amd64":
        size = min(2, image.segment(address).end - address)
        return EMULATED if _EMULATED_AMD64.match(image.read(address, size)) else STEPPED
    word = int.from_bytes(image.read(address, 4), "little")
    simulated = any(word & mask == value for mask, value in _SIMULATED_ARM64)
    return EMULATED if simulated else STEPPED


def prologue(image: ElfImage, function: Function) -> Prologue:
    """The stack check and the frame's beginning, as far as this function has them."""
    code = image.read(function.entry, min(_LONGEST_CHECK, function.end - function.entry))
    if image.arch == "arm64":
        for at in range(0, len(code) - 3, 4):
            word = int.from_bytes(code[at : at + 4], "little")
            if word & _BRANCH_LS_MASK == _BRANCH_LS:
                return Prologue(function.entry + at, None)
        return Prologue(None, None)
    check = _CHECK_AMD64.match(code)
    after = check.end() if check else 0
    pushes = code[after : after + 1] == _PUSH_BP
    return Prologue(
        function.entry + check.start(1) if check else None,
        function.entry + after if pushes else None,
    )
