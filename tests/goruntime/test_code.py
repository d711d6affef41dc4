"""What is read from machine code: calls, prologues, globals; against `go tool objdump` and `nm`."""

from __future__ import annotations

import re

import pytest

import toolchains
from goruntime.support import UNSTRIPPED, builds, calls, disassembly, go_tool, shapes
from gtrace_rec.goruntime import Function, GoBinary

pytestmark = pytest.mark.go

CALLERS = ["newproc1", "gopark", "park_m", "ready", "execute", "findRunnable", "goschedImpl"]
CALLERS += ["injectglist", "goexit0", "gdestroy", "exitsyscall", "reentersyscall", "goyield_m"]
CALLEES = ["casgstatus", "mcall", "runqput"]
LISTED = rf"^runtime\.({'|'.join(CALLERS)})$"
STRIPPED = {"plain": "stripped", "pie": "pie-stripped", "arm64": "arm64-stripped"}


def named(binary: GoBinary, name: str) -> Function:
    function = binary.functions.named(name)
    assert function is not None, name
    return function


def found_calls(binary: GoBinary) -> list[tuple[str, str, int]]:
    """Caller, callee and offset into the caller of every call between these functions."""
    present = [f for f in (binary.functions.named(f"runtime.{n}") for n in CALLERS) if f]
    return [
        (caller.name, callee, at - caller.entry)
        for caller in present
        for callee in CALLEES
        for at in binary.call_sites(caller, named(binary, f"runtime.{callee}"))
    ]


@builds(UNSTRIPPED)
def test_calls_are_those_of_go_tool_objdump(version: str, mode: str) -> None:
    binary = shapes(version, mode)
    listed = calls(disassembly(binary.path, LISTED))
    for callee in CALLEES:
        symbols = (f"runtime.{callee}", f"runtime.{callee}.abi0")
        expected = sorted(at for at, name in listed if name in symbols)
        callers = {binary.functions.at(at) for at in expected}
        target = named(binary, f"runtime.{callee}")
        found = sorted(at for f in callers if f for at in binary.call_sites(f, target))
        assert found == expected
    sites = [(caller, callee) for caller, callee, _ in found_calls(binary)]
    assert sites.count(("runtime.newproc1", "casgstatus")) == 2
    assert sites.count(("runtime.gopark", "mcall")) == 1
    assert sites.count(("runtime.findRunnable", "casgstatus")) == 5


@builds(STRIPPED)
def test_stripping_moves_no_call(version: str, mode: str) -> None:
    assert found_calls(shapes(version, STRIPPED[mode])) == found_calls(shapes(version, mode))


@builds(["plain", "pie", "cgo"])
def test_prologues_on_amd64(version: str, mode: str) -> None:
    binary = shapes(version, mode)
    seen = 0
    for listing in disassembly(binary.path, LISTED).split("TEXT ")[1:]:
        function = named(binary, listing[: listing.index("(SB)")])
        code = re.findall(r"0x([0-9a-f]+)\t+[0-9a-f]+\t+(\w+) ?(.*?)\s*\n", listing)[:4]
        at = [i for i, (_, name, _) in enumerate(code) if name == "JBE"]
        check, push = binary.prologue(function)
        assert check == (int(code[at[0]][0], 16) if at else None)
        following = code[at[0] + 1 if at else 0]
        pushes = following[1:] == ("PUSHQ", "BP")
        assert push == (int(following[0], 16) if pushes else None)
        assert pushes == (binary.go_minor >= 21)
        seen += bool(at)
    assert seen >= 8


@builds(["arm64", "arm64-pie"])
def test_prologues_on_arm64(version: str, mode: str) -> None:
    binary = shapes(version, mode)
    for listing in disassembly(binary.path, LISTED).split("TEXT ")[1:]:
        function = named(binary, listing[: listing.index("(SB)")])
        code = re.findall(r"0x([0-9a-f]+)\t+[0-9a-f]+\t+(\w+) ", listing)[:6]
        check = next((int(at, 16) for at, name in code if name == "BLS"), None)
        assert binary.prologue(function) == (check, None)


CHEAP = {"amd64": {"CALL", "JMP", "JBE", "JNE"}, "arm64": {"CALL", "JMP", "BLS", "RET", "CBZ"}}
DEAR = {"amd64": {"RET", "MOVQ", "LEAQ", "CMPQ"}, "arm64": {"MOVD", "ADD", "CMP", "LDAR"}}


@builds(UNSTRIPPED)
def test_cost_of_each_instruction(version: str, mode: str) -> None:
    binary = shapes(version, mode)
    cost: dict[str, set[str]] = {}
    for at, name, rest in re.findall(
        r"0x([0-9a-f]+)\t+[0-9a-f]+\t+(\w+) ?(.*?)\s*\n", disassembly(binary.path, LISTED)
    ):
        if name not in ("CALL", "JMP") or rest.endswith("(SB)"):  # not through a register
            cost.setdefault(name, set()).add(binary.cost_class(int(at, 16)))
    assert all(cost[name] == {"emulated"} for name in CHEAP[binary.arch])
    assert all(cost[name] == {"stepped"} for name in DEAR[binary.arch])
    if binary.arch == "amd64" and binary.go_minor >= 21:
        assert cost["PUSHQ"] == {"emulated"}


@builds(UNSTRIPPED)
def test_allgs_from_code_is_allgs_by_symbol(version: str, mode: str) -> None:
    binary = shapes(version, mode)
    by_symbol = binary.allgs
    lines = [line.split() for line in go_tool("nm", binary.path).splitlines()]
    names = {line[2]: int(line[0], 16) for line in lines if len(line) == 3}
    assert by_symbol == (names["runtime.allglen"], names["runtime.allgptr"])


@builds(toolchains.MODES)
def test_first_argument_is_at_home_where_a_goroutine_parks(version: str, mode: str) -> None:
    binary = shapes(version, mode)
    gopark = named(binary, "runtime.gopark")
    for name in ("runtime.semacquire1", "sync.runtime_notifyListWait", "runtime.selectgo"):
        function = named(binary, name)
        assert binary.first_arg_home(function, gopark) == binary.call_sites(function, gopark)
    for name in ("runtime.chanrecv", "runtime.chansend"):
        function = named(binary, name)
        _nil_channel, waiting = binary.call_sites(function, gopark)
        assert binary.first_arg_home(function, gopark) == [waiting]
    netpollblock = named(binary, "runtime.netpollblock")
    assert binary.first_arg_home(netpollblock, gopark) == []
    wait = named(binary, "internal/poll.runtime_pollWait")
    assert binary.first_arg_home(wait, netpollblock) == binary.call_sites(wait, netpollblock) != []
