"""Damaged binaries, and everything that is ever asked of one.

Damage at random places of a megabyte hardly ever hits what is read. So it is dealt to regions by
name: headers, tables, records. The same for the property tests and for the fuzzer.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import toolchains
from gtrace_rec._errors import GtraceError
from gtrace_rec.goruntime import GoBinary, open_binary

TINY = Path(__file__).parent / "programs" / "tiny"
_OLDEST, _NEWEST = toolchains.TOOLCHAINS[0], toolchains.TOOLCHAINS[-1]
KINDS = [
    (_OLDEST, "plain"),
    (_OLDEST, "cgo-pie-stripped"),
    (_NEWEST, "plain"),
    (_NEWEST, "pie-stripped"),
    (_NEWEST, "arm64-stripped"),
]
_PARKING = [
    ("runtime.gopark", "runtime.mcall"),
    ("runtime.semacquire1", "runtime.gopark"),
    ("runtime.newproc1", "runtime.casgstatus"),
]


@dataclass(frozen=True)
class Sound:
    """A sound binary's bytes, and by name the spans of the file that are read."""

    data: bytes
    regions: dict[str, tuple[int, int]]  # offset, size


@dataclass(frozen=True)
class Edit:
    """Bytes to put at a place of a region; both are taken modulo the region's size."""

    region: str
    at: int
    data: bytes


@cache
def sound(version: str, mode: str) -> Sound:
    """The program `tiny`; its debug information is not compressed, so that damage reaches it."""
    path = toolchains.build(version, TINY, mode)
    if mode == "plain":
        copy = toolchains.cache_dir() / "test-binaries" / f"{path.parent.name}-uncompressed"
        with toolchains.made_once(copy) as scratch:
            if scratch:
                command = ["objcopy", "--decompress-debug-sections", path, scratch / "tiny"]
                subprocess.run(command, check=True)
        path = copy / "tiny"
    return Sound(path.read_bytes(), _regions(open_binary(path)))


def _regions(binary: GoBinary) -> dict[str, tuple[int, int]]:
    image, module = binary.image, binary.module
    header, at = module.header, module.header.vaddr
    sections = image.sections
    start = int.from_bytes(binary.path.read_bytes()[0x28:0x30], "little")
    first, last = header.functions // 3, header.functions // 2
    records = image.read(at + header.functab + 8 * first, 8 * (last - first))
    record = at + header.functab + int.from_bytes(records[4:8], "little")
    assert module.gofunc
    spans = {
        "pclntab header": (at, 72),
        "functab": (at + header.functab, 8 * header.functions + 4),
        "function records": (record, 4096),
        "names": (at + header.names, header.cu - header.names),
        "file numbers": (at + header.cu, header.files - header.cu),
        "files": (at + header.files, header.pctab - header.files),
        "pc tables": (at + header.pctab, header.functab - header.pctab),
        "inline trees": (module.gofunc, 512),
        "module data": (module.vaddr, 400),
    }
    for name in ("gopark", "forEachGRace", "waitReason.String", "semacquire1"):
        function = binary.functions.named(f"runtime.{name}")
        assert function
        spans[name] = function.entry, function.end - function.entry
    found = {name: (image.file_offset(vaddr), size) for name, (vaddr, size) in spans.items()}
    found |= {s.name: (s.offset, s.size) for s in sections.values() if s.size}
    found["ELF header"] = 0, 64
    found["program headers"] = 64, 56 * 10
    found["section headers"] = start, 64 * len(sections)
    return found


def damaged(whole: Sound, edits: Iterable[Edit], cut: int | None = None) -> bytes:
    """The binary with these edits, cut to `cut` bytes."""
    data = bytearray(whole.data)
    for edit in edits:
        offset, size = whole.regions[edit.region]
        at = offset + edit.at % size
        data[at : at + len(edit.data)] = edit.data[: offset + size - at]
    return bytes(data[:cut])


def exercise(path: Path, sample: int = 100) -> str | None:
    """Ask everything of a binary. What gtrace says against it, or None; anything else escapes.

    Lines are asked of about `sample` of its functions.
    """
    try:
        binary = open_binary(path)
    except GtraceError as e:
        return str(e)
    said = None
    for question in _QUESTIONS:
        try:
            question(binary, sample)
        except GtraceError as e:
            said = str(e)
    return said


def _identity(binary: GoBinary, sample: int) -> None:
    assert binary.arch in ("amd64", "arm64")
    assert isinstance(binary.go_version, str)
    assert (binary.build_id, binary.pie, binary.stripped, binary.settings) is not None
    assert binary.text
    assert isinstance(binary.cgo, bool)


def _every_function(binary: GoBinary, sample: int) -> None:
    if sample > 10:
        count = sum(function.end >= function.entry for function in binary.functions)
        assert count == len(binary.functions)


def _lines(binary: GoBinary, sample: int) -> None:
    first, last = binary.text, binary.module.etext
    main = binary.functions.named("main.main")
    starts = [main.entry] if main else []
    starts += range(first, last, max((last - first) // sample, 1))
    for start in starts[: sample + 2]:
        for pc in range(start, start + 128, 8):
            assert len(binary.symbolize(pc)) < 2000
            binary.sp_delta(pc)


def _code(binary: GoBinary, sample: int) -> None:
    for name, callee in _PARKING:
        function, called = binary.functions.named(name), binary.functions.named(callee)
        if function:
            binary.prologue(function)
            binary.cost_class(function.entry)
        if function and called:
            binary.call_sites(function, called)
            binary.first_arg_home(function, called)


def _globals(binary: GoBinary, sample: int) -> None:
    assert all(isinstance(name, str) for name in binary.wait_reasons)
    binary.allgs  # noqa: B018
    binary.symbol("runtime.allgs")


_QUESTIONS = (_identity, _every_function, _lines, _code, _globals)
