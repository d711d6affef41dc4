"""Where a runtime function keeps its first argument while it calls another.

Go's register ABI (cmd/compile/abi-internal.md) passes the first argument in AX or R0 and reserves
a home slot for it in the caller's frame, which the callee may use or not, at any time. Whether it
is used on *every* path to a call is decided here: a forward must-analysis over the function's
instructions, of the registers and stack slots that hold the argument for certain.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import capstone
from capstone import CsInsn

from gtrace_rec.goruntime.elf import ElfImage
from gtrace_rec.goruntime.pclntab import Function, FunctionTable

# A location that holds the argument: a register's name, or an offset from the frame's base, which
# is the stack pointer as it was in the caller.
_Location = str | int

# Calls that do not come back; what follows them is reached from elsewhere.
_NO_RETURN = (
    *("runtime.throw", "runtime.fatalthrow", "runtime.gopanic", "runtime.panic"),
    "runtime.goPanic",
)
_LARGEST = 1 << 16  # bytes; the functions of interest have a few thousand
_WORD = 8
_WIDEST = 64  # bytes that one instruction stores at most


class _Machine:
    """What the analysis has to know of an architecture."""

    def __init__(self, arch: str) -> None:
        self.amd64 = arch == "amd64"
        if self.amd64:
            self.decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
        else:
            self.decoder = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
        self.decoder.detail = True
        self.first = "rax" if self.amd64 else "x0"
        self.stack_pointer = "rsp" if self.amd64 else "sp"
        # The frame's base is above the return address on amd64; arm64 keeps its own below.
        self.base_above = _WORD if self.amd64 else 0
        self.home = 0 if self.amd64 else _WORD
        self.stores = ("mov",) if self.amd64 else ("str", "stur", "stp")
        self.loads = ("mov",) if self.amd64 else ("mov", "ldr", "ldur", "ldp")

    def register(self, instruction: CsInsn, number: int) -> str:
        """The full register that this one is a part of."""
        name: str = instruction.reg_name(number) or ""
        if not self.amd64:
            return f"x{name[1:]}" if name[:1] == "w" and name[1:].isdigit() else name
        return _full_name(name)


@cache
def _machine(arch: str) -> _Machine:
    return _Machine(arch)


@cache
def _full_name(name: str) -> str:
    if name[:1] == "r" and name[1:2].isdigit():
        return name.rstrip("dwb")
    core = name.removeprefix("r").removeprefix("e").removesuffix("l").removesuffix("h")
    core = core.removesuffix("x")
    full = {"a": "rax", "b": "rbx", "c": "rcx", "d": "rdx"}.get(core)
    return full or (f"r{core}" if core in ("si", "di", "bp", "sp") else name)


def calls_with_first_arg_home(
    image: ElfImage, functions: FunctionTable, function: Function, callee: Function
) -> list[int]:
    """The calls of `callee` in `function` at which its first argument is in its home slot.

    Calls are given by their addresses, in order. A call that is reached on any path without the
    argument having been stored is left out.
    """
    return _Analysis(image, functions, function).calls(callee.entry)


class _Analysis:
    def __init__(self, image: ElfImage, functions: FunctionTable, function: Function) -> None:
        self._machine = _machine(image.arch)
        self._functions = functions
        self._function = function
        size = function.end - function.entry
        code = image.read(function.entry, size) if size <= _LARGEST else b""
        decoded = self._machine.decoder.disasm(code, function.entry)
        self._code: dict[int, CsInsn] = {i.address: i for i in decoded}

    def calls(self, target: int) -> list[int]:
        """Addresses of the calls of `target` with the argument at home."""
        held = self._solve()
        return sorted(
            at
            for at, locations in held.items()
            if self._machine.home in locations and _call_target(self._code[at]) == target
        )

    def _solve(self) -> dict[int, frozenset[_Location]]:
        """For every instruction that is reached: what holds the argument before it."""
        todo = list(self._within(self._function.entry))
        held: dict[int, frozenset[_Location]] = {
            at: frozenset([self._machine.first]) for at in todo
        }
        while todo:
            at = todo.pop()
            instruction = self._code[at]
            after = frozenset(self._after(instruction, held[at]))
            for following in self._following(instruction):
                before = held.get(following)
                now = after if before is None else before & after
                if now != before:
                    held[following] = now
                    todo.append(following)
        return held

    def _following(self, instruction: CsInsn) -> Iterator[int]:
        after = instruction.address + instruction.size
        target = _target(instruction)
        if instruction.group(capstone.CS_GRP_CALL):
            called = None if target is None else self._functions.at(target)
            if called is None or not called.name.startswith(_NO_RETURN):
                yield from self._within(after)
        elif instruction.group(capstone.CS_GRP_JUMP):
            if target is not None:
                yield from self._within(target)
            if instruction.mnemonic not in ("jmp", "b", "br"):
                yield from self._within(after)
        elif not instruction.group(capstone.CS_GRP_RET):
            yield from self._within(after)

    def _within(self, address: int) -> Iterator[int]:
        if address in self._code:
            yield address

    def _after(self, instruction: CsInsn, held: frozenset[_Location]) -> set[_Location]:
        if instruction.group(capstone.CS_GRP_CALL):
            return {x for x in held if isinstance(x, int)}
        moved = [to for source, to in self._moves(instruction) if source in held]
        written = {self._machine.register(instruction, r) for r in instruction.regs_access()[1]}
        kept = {x for x in held if x not in written and not self._overwrites(instruction, x)}
        return kept.union(moved)

    def _moves(self, instruction: CsInsn) -> Iterator[tuple[_Location | None, _Location]]:
        """Pairs (from, to) of whole words that the instruction copies."""
        machine = self._machine
        operands = list(instruction.operands)
        name = instruction.mnemonic
        if name not in machine.stores and name not in machine.loads:
            return
        if machine.amd64:
            if len(operands) == 2 and operands[1].size == _WORD:
                to = self._location(instruction, operands[0], 0)
                if to is not None:
                    yield self._location(instruction, operands[1], 0), to
            return
        *registers, other = operands
        if any(not _is_word(instruction, r) for r in registers) or instruction.writeback:
            return
        for i, register in enumerate(registers):
            near = machine.register(instruction, register.reg)
            far = self._location(instruction, other, i * _WORD)
            if name in machine.stores and far is not None:
                yield near, far
            elif name in machine.loads:
                yield far, near

    def _location(self, instruction: CsInsn, operand: Any, add: int) -> _Location | None:
        if operand.type == capstone.CS_OP_REG:
            return self._machine.register(instruction, operand.reg)
        if operand.type != capstone.CS_OP_MEM or operand.mem.index:
            return None
        if instruction.reg_name(operand.mem.base) != self._machine.stack_pointer:
            return None
        delta = self._functions.sp_delta(instruction.address)
        offset: int = operand.mem.disp + add - self._machine.base_above
        return None if delta is None else offset - delta

    def _overwrites(self, instruction: CsInsn, slot: _Location) -> bool:
        """The instruction may store over this stack slot."""
        if isinstance(slot, str):
            return False
        for operand in instruction.operands:
            if operand.type == capstone.CS_OP_MEM and self._stores(instruction, operand):
                start = self._location(instruction, operand, 0)
                if isinstance(start, int) and -_WIDEST < start - slot < _WORD:
                    return slot < start + self._stored_size(instruction, operand)
        return False

    def _stored_size(self, instruction: CsInsn, operand: Any) -> int:
        if self._machine.amd64:
            return int(operand.size)
        if instruction.mnemonic not in self._machine.stores:
            return _WIDEST
        words = [_is_word(instruction, r) for r in instruction.operands[:-1]]
        return sum(_WORD if word else 2 * _WORD for word in words)

    def _stores(self, instruction: CsInsn, operand: Any) -> bool:
        if self._machine.amd64:
            return bool(operand.access & capstone.CS_AC_WRITE)
        return bool(instruction.mnemonic.startswith("st"))


def _is_word(instruction: CsInsn, register: Any) -> bool:
    """An arm64 operand is a general 64-bit register."""
    return (instruction.reg_name(register.reg) or "").startswith("x")


def _target(instruction: CsInsn) -> int | None:
    """Where a direct call or jump goes."""
    last = instruction.operands[-1] if instruction.operands else None
    return last.imm if last is not None and last.type == capstone.CS_OP_IMM else None


def _call_target(instruction: CsInsn) -> int | None:
    return _target(instruction) if instruction.group(capstone.CS_GRP_CALL) else None
