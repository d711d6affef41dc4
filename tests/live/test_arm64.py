"""The BPF programs for arm64: as far as a machine of another kind can show that they are right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import toolchains
from gtrace_rec.goruntime import open_binary
from gtrace_rec.loader import LoadOptions, Probes
from gtrace_rec.plan import Plan, find_sites

pytestmark = [pytest.mark.live, pytest.mark.go]

VERSIONS = (toolchains.TOOLCHAINS[0], "1.23.9", toolchains.NEWEST)  # 1.23: a site behind a call
KINDS = {
    *("create", "exit", "park", "ready", "inject", "park_undone", "suspend", "run", "yield"),
    *("syscall_lost_p", "syscall_enter", "syscall_exit", "create_syscall"),
}
# Where a kprobe program finds the registers of Go's ABIInternal, cmd/compile/abi-internal.md: in
# struct pt_regs of arch/x86/include/uapi/asm/ptrace.h, and user_pt_regs of arch/arm64's.
REGISTERS = {
    "plain": {"AX": 80, "BX": 40, "CX": 88, "R14": 8, "BP": 32, "IP": 128},
    "arm64": {"X0": 0, "X1": 8, "X2": 16, "X28": 28 * 8, "X29": 29 * 8, "PC": 32 * 8},
}
_LOAD, _MOVE, _CONTEXT = 0x79, 0xBF, 1  # opcodes of instruction-set.rst; the register at entry
_WRITES = (0, 1, 4, 7)  # classes of instructions that write to their target: LD, LDX, ALU, ALU64


def context_offsets(code: bytes) -> set[int]:
    """What a BPF program reads of its context, through the register that first takes a copy."""
    found, context = set(), None
    for opcode, registers, *rest in (code[i : i + 8] for i in range(0, len(code), 8)):
        target, source = registers & 15, registers >> 4
        if context is None:
            if opcode == _MOVE and source == _CONTEXT:
                context = target
        elif opcode == _LOAD and source == context:
            found.add(int.from_bytes(rest[:2], "little", signed=True))
        elif target == context and opcode & 7 in _WRITES:
            break
    return found


@pytest.mark.filterwarnings("ignore:not a bytes object")  # bcc of itself
@pytest.mark.parametrize("mode", REGISTERS)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_registers_are_those_of_the_processor(
    go_binary: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, version: str, mode: str
) -> None:
    import bcc

    programs: list[bytes] = []

    def keep(bpf: Any, name: bytes, *_: object, **__: object) -> None:
        """Compiled for a processor that this kernel does not run on, it cannot be loaded."""
        programs.append(bpf.dump_func(name))

    monkeypatch.setattr(bcc.BPF, "load_func", keep)
    binary = open_binary(go_binary("lives.go", version, mode))
    sites, missing = find_sites(binary, Plan.FULL)
    assert missing == []
    assert {site.kind for site in sites} >= KINDS
    probes = Probes(binary, sites, LoadOptions(ring_bytes=1 << 20))
    probes.close()
    assert len(programs) == len(sites)
    exit_ = programs[[site.kind for site in sites].index("exit")]
    assert context_offsets(exit_) == set(REGISTERS[mode].values())
