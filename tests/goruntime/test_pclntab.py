"""Functions, lines, inlined frames and frame sizes, against Go's own readers and Go's runtime."""

from __future__ import annotations

import os
import random
import re
import subprocess
from dataclasses import dataclass

import pytest

from goruntime.support import NATIVE, UNSTRIPPED, VERSIONS, builds, go_tool, shapes
from gtrace_rec.goruntime import GoBinary
from gtrace_rec.goruntime.pclntab import printed_name

pytestmark = pytest.mark.go

_TYPE_ARGUMENTS = re.compile(r"\[.*\]")


def _plain_name(symbol: str) -> str:
    """A symbol's name as the function table spells it."""
    return _TYPE_ARGUMENTS.sub("[...]", re.sub(r"\.abi(0|internal)$", "", symbol))


@builds(UNSTRIPPED)
def test_every_function_is_where_the_symbol_table_has_it(version: str, mode: str) -> None:
    binary = shapes(version, mode)
    lines = [line.split(maxsplit=2) for line in go_tool("nm", binary.path).splitlines()]
    symbols = {(int(a, 16), n) for a, kind, n in (x for x in lines if len(x) == 3) if kind in "Tt"}
    (etext,) = (at for at, name in symbols if name == "runtime.etext")
    checked = 0
    for at, name in symbols:
        function = binary.functions.at(at)
        c_code = not binary.text <= at < etext or function is None or function.entry != at
        if c_code or name.startswith(("runtime.text", "runtime.etext", "go:", "_cgo", "x_cgo")):
            continue
        assert function is not None
        assert printed_name(function.name).replace("·", ".") == _plain_name(name)
        checked += 1
    assert checked >= 0.99 * len(binary.functions)


@builds(UNSTRIPPED)
def test_lines_are_those_of_go_tool_addr2line(version: str, mode: str) -> None:
    binary = shapes(version, mode)
    step = 4 if binary.arch == "arm64" else 1
    chance = random.Random(version + mode)
    functions = chance.sample([f for f in binary.functions if f.start_line != 0], 300)
    pcs = [chance.randrange(f.entry, f.end, step) for f in functions for _ in range(4)]
    pcs += range(*_span(binary, "main.outer"), step)
    said = go_tool("addr2line", binary.path, stdin="".join(f"{pc:#x}\n" for pc in pcs)).splitlines()
    for pc, place in zip(pcs, said[1::2], strict=True):
        frame = binary.symbolize(pc)[0]
        if place != "?:0" and frame.line is not None:  # the padding between functions
            assert f"{frame.file}:{frame.line}" == place, hex(pc)


def _span(binary: GoBinary, name: str) -> tuple[int, int]:
    function = binary.functions.named(name)
    assert function is not None
    return function.entry, function.end


@dataclass
class Printed:
    """One frame of the machine's stack as the runtime printed it, with what is inlined into it."""

    frames: list[tuple[str, str]]  # function, file:line
    fp: int
    sp: int
    pc: int
    offset: int

    @property
    def name(self) -> str:
        return self.frames[-1][0]


_PHYSICAL = re.compile(r"\t(.*:\d+) \+0x(\w+) fp=0x(\w+) sp=0x(\w+) pc=0x(\w+)$")


def _stacks(binary: GoBinary) -> list[Printed]:
    """All stacks of the program, as Go's runtime prints them when it panics."""
    env = os.environ | {"GOTRACEBACK": "system"}
    done = subprocess.run([binary.path], env=env, capture_output=True, text=True)
    assert "panic: stacks of" in done.stderr
    printed: list[Printed] = []
    frames: list[tuple[str, str]] = []
    name = None
    for line in done.stderr.splitlines():
        if not line.startswith("\t"):
            is_call = line.endswith(")") and not line.startswith("created by")
            name = line.rpartition("(")[0] if is_call else None
            name = "runtime.gopanic" if name == "panic" else name
        elif name:
            physical = _PHYSICAL.match(line)
            frames.append((name, physical[1] if physical else line.strip()))
            if physical:
                offset, fp, sp, pc = (int(x, 16) for x in physical.groups()[1:])
                printed.append(Printed(frames, fp, sp, pc, offset))
                frames = []
    return printed


@builds(NATIVE)
def test_stacks_are_those_the_runtime_prints(version: str, mode: str) -> None:
    binary = shapes(version, mode)
    stacks = _stacks(binary)
    main = next(p for p in stacks if p.name == "main.main")
    bias = main.pc - main.offset - _span(binary, "main.main")[0]
    assert bias == 0 or binary.pie
    for printed in stacks:
        pc = printed.pc - bias
        frames = binary.symbolize(pc - 1)
        assert [(f.function, f"{f.file}:{f.line}") for f in frames] == printed.frames
        assert [f.inlined for f in frames] == [True] * (len(frames) - 1) + [False]
        delta = binary.sp_delta(pc)
        assert delta is not None
        if not binary.functions.at(pc).top_frame:  # type: ignore[union-attr]
            assert printed.fp == printed.sp + delta + 8, printed.name
    (outer,) = (p for p in stacks if p.name == "main.outer")
    inlined = [name for name, _ in outer.frames]
    assert inlined == ["main.receive", "main.twice", "main.outer"]


@VERSIONS
def test_outside_the_text_there_is_nothing(version: str) -> None:
    binary = shapes(version, "plain")
    first, *_, last = binary.functions
    for pc in (0, first.entry - 1, last.end, 1 << 63, -1):
        assert binary.symbolize(pc) == []
        assert binary.sp_delta(pc) is None
        assert binary.functions.at(pc) is None
    assert binary.functions.named("main.nothing") is None
    assert binary.functions.named("") is None


@VERSIONS
def test_a_wrapper_does_not_hide_the_function(version: str) -> None:
    functions = shapes(version, "plain").functions
    twice = [f for f in functions if f.name == "runtime.goexit1"]
    assert len(twice) == 2
    assert functions.named("runtime.goexit1") == min(twice, key=lambda f: f.entry)
