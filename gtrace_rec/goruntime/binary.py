"""One Go binary: everything about it that can be known without running it."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from gtrace_rec._errors import UnsupportedGoError
from gtrace_rec.goruntime import allgs, callsites
from gtrace_rec.goruntime.buildinfo import BuildInfo, read_build_info
from gtrace_rec.goruntime.elf import ElfImage
from gtrace_rec.goruntime.instructions import Prologue, cost_class, prologue
from gtrace_rec.goruntime.moduledata import ModuleData, find_module_data
from gtrace_rec.goruntime.offsets import Offsets, find_offsets, load_table
from gtrace_rec.goruntime.pclntab import Frame, Function, FunctionTable
from gtrace_rec.goruntime.versions import parse_version, supported_text
from gtrace_rec.goruntime.waitreasons import read_wait_reasons

_OLDEST_MINOR = 19


class AllGs(NamedTuple):
    """Addresses of the globals through which the runtime publishes all goroutines."""

    len: int  # of runtime.allglen, a uintptr
    ptr: int  # of runtime.allgptr, a **g


def open_binary(path: str | os.PathLike[str]) -> GoBinary:
    """Open a Go program for reading.

    Raises TargetError where the file cannot be read or is no Go program for 64-bit Linux, and
    UnsupportedGoError where its Go is too old, or unknown and stripped of debug information.
    """
    image = ElfImage(path)
    info = read_build_info(image)
    version = parse_version(info.go_version)
    if version is not None and version.minor < _OLDEST_MINOR:
        raise UnsupportedGoError(
            f"{image.path}: built by {info.go_version}; supported are {supported_text()}"
        )
    binary = GoBinary(image, info)
    assert binary.offsets  # read now, so that an unsupported layout is refused here
    return binary


class GoBinary:
    """The static side of a Go program. Addresses are as linked, without load bias.

    What is costly is read when first asked for.
    """

    def __init__(self, image: ElfImage, info: BuildInfo) -> None:
        self.image = image
        self.info = info

    @property
    def path(self) -> Path:
        """The file, as it was opened."""
        return self.image.path

    @property
    def arch(self) -> str:
        """ "amd64" or "arm64"."""
        return self.image.arch

    @property
    def go_version(self) -> str:
        """The version the binary states: "go1.27.3"."""
        return self.info.go_version

    @property
    def go_minor(self) -> int:
        """The release as a number: 27 for "go1.27.3"."""
        version = parse_version(self.go_version)
        if version is None:
            raise UnsupportedGoError(
                f"{self.path}: built by {self.go_version}, of no known release"
            )
        return version.minor

    @property
    def entry(self) -> int:
        """The address at which the kernel starts it."""
        return self.image.entry

    @property
    def settings(self) -> dict[str, str]:
        """Build settings as `go version -m` prints them: "-buildmode" -> "pie"."""
        return self.info.settings

    @property
    def build_id(self) -> str | None:
        """GNU build id in hex, else Go's own; None if it has neither."""
        return self.image.build_id

    @property
    def pie(self) -> bool:
        """Position independent: loaded at an address of the kernel's choice."""
        return self.image.pie

    @property
    def stripped(self) -> bool:
        """It has no symbol table."""
        return not self.image.symbols

    @property
    def cgo(self) -> bool:
        """C code is linked in: it has the function by which C calls Go."""
        return self.functions.named("crosscall2") is not None

    @cached_property
    def module(self) -> ModuleData:
        """The linker's description of the text."""
        return find_module_data(self.image, self.offsets)

    @property
    def text(self) -> int:
        """runtime.text: where Go's code begins. Not the start of the section `.text`."""
        return self.module.text

    def read(self, vaddr: int, size: int) -> bytes:
        """Bytes of the file by their address. Raises TargetError where the file has none."""
        return self.image.read(vaddr, size)

    def file_offset(self, vaddr: int) -> int:
        """Where in the file an address comes from, which is what a uprobe is placed by."""
        return self.image.file_offset(vaddr)

    @cached_property
    def functions(self) -> FunctionTable:
        """All functions, by name and by pc."""
        module = self.module
        return FunctionTable(self.image, module.header, module.text, module.gofunc)

    def symbolize(self, pc: int) -> list[Frame]:
        """The frames of a pc that lies inside its instruction, innermost first; [] if unknown.

        C functions that are linked in have a name alone, by the symbol table if there is one.
        """
        frames = self.functions.frames(pc)
        name = None if frames else self.image.symbols.function_at(pc)
        return [Frame(name, None, None, inlined=False)] if name else frames

    def sp_delta(self, pc: int) -> int | None:
        """Bytes from the stack pointer at exactly this pc to the frame's base, by pcsp."""
        return self.functions.sp_delta(pc)

    def call_sites(self, function: Function, callee: Function) -> list[int]:
        """Addresses in `function` of the direct calls of exactly `callee`, in order."""
        return callsites.call_sites(self.image, function, callee)

    def first_arg_home(self, function: Function, callee: Function) -> list[int]:
        """The calls of `callee` at which `function` has its first argument in its home slot.

        The slot lies 16 bytes above the frame pointer of `function` on amd64; on arm64, 16 bytes
        above the one it saved. Addresses, in order; calls that may be reached without the argument
        having been stored are left out.
        """
        from gtrace_rec.goruntime.firstarg import calls_with_first_arg_home  # loads capstone

        return calls_with_first_arg_home(self.image, self.functions, function, callee)

    def prologue(self, function: Function) -> Prologue:
        """Where the function checks its stack and pushes its frame."""
        return prologue(self.image, function)

    def cost_class(self, address: int) -> str:
        """What a uprobe on the instruction at `address` costs: "emulated" or "stepped"."""
        return cost_class(self.image, address)

    @cached_property
    def offsets(self) -> Offsets:
        """Where the runtime's struct fields lie."""
        return find_offsets(self.image, self.go_version)

    @cached_property
    def wait_reasons(self) -> tuple[str, ...]:
        """Go's names of its wait reasons, by number; "" is number 0."""
        names = read_wait_reasons(self.image, self.functions)
        if names is not None:
            return names
        version = parse_version(self.go_version)
        if version is None or version.table is None:
            raise UnsupportedGoError(
                f"{self.path}: no wait reasons in it, built by {self.go_version}"
            )
        return tuple(load_table(version.table)["wait_reasons"])

    def symbol(self, name: str) -> int | None:
        """The address of a symbol, from the symbol table where there is one."""
        symbol = self.image.symbols.named(name)
        return symbol.vaddr if symbol else None

    @cached_property
    def mheap(self) -> int | None:
        """Where the runtime keeps its heap's books, runtime.mheap_; None if that is not found.

        Without symbols: runtime.mallocinit calls (*mheap).init on it.
        """
        known = self.symbol("runtime.mheap_")
        function = self.functions.named("runtime.mallocinit")
        init = self.functions.named("runtime.(*mheap).init")
        if known or not function or not init:
            return known
        calls = self.call_sites(function, init)
        return callsites.address_argument(self.image, calls[0]) if calls else None

    @cached_property
    def allgs(self) -> AllGs | None:
        """Where the list of all goroutines is published; None if that cannot be found."""
        length, pointer = self.symbol("runtime.allglen"), self.symbol("runtime.allgptr")
        if length and pointer:
            return AllGs(length, pointer)
        function = self.functions.named("runtime.forEachGRace")
        found = function and allgs.loaded_globals(self.image, function)
        return AllGs(*found) if found else None
