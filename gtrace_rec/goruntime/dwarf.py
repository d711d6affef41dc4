"""Sizes and member offsets of the runtime's structs from DWARF.

A big program has millions of DWARF entries and Go keeps its type entries in one unit, so walking
them takes seconds. Go's linker writes names inline (DW_FORM_string): searching the section for the
name leads straight to the entry, which is then read, and believed, by pyelftools alone.
"""

from __future__ import annotations

import inspect
import io
import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterable
from typing import Any

from elftools.dwarf.compileunit import CompileUnit
from elftools.dwarf.die import DIE
from elftools.dwarf.dwarfinfo import DebugSectionDescriptor, DwarfConfig, DWARFInfo

from gtrace_rec._errors import TargetError
from gtrace_rec.goruntime.elf import ElfImage

SIZE = "sizeof"

_MAX_SECTION = 1 << 31  # decompressed; a sound .debug_info of the largest Go programs is below
_MAX_HITS = 64  # how often a struct's name may occur as text before its entry
_MAX_MEMBERS = 512
_MAX_SIZE = 1 << 20  # bytes of a struct
_ELF_CHDR = 24
_UNIT_HEADER, _MAX_UNITS, _DWARF64 = 11, 1 << 20, 0xFFFFFFF0
_ZLIB = 1  # ELFCOMPRESS_ZLIB


def struct_members(image: ElfImage, structs: Iterable[str]) -> dict[str, dict[str, int]]:
    """Offsets in bytes of the members of these structs, and their size under the name `sizeof`.

    A struct the program does not have is left out; the result is empty without DWARF.
    Raises TargetError where the DWARF is damaged.
    """
    with image.parsing("debug information"):
        info = _section(image, "debug_info")
        abbrev = _section(image, "debug_abbrev")
        if not info or not abbrev:
            return {}
        units = _Units(_dwarf(image, info, abbrev), info)
        found = {name: _members(units, info, name) for name in structs}
        return {name: members for name, members in found.items() if members}


class _Units:
    """The compile units, of which only those that are asked for are parsed."""

    def __init__(self, dwarf: DWARFInfo, info: bytes) -> None:
        self._dwarf = dwarf
        self._starts: list[int] = []
        at = 0
        while at + _UNIT_HEADER <= len(info) and len(self._starts) < _MAX_UNITS:
            (size,) = struct.unpack_from("<I", info, at)
            if not 0 < size < _DWARF64:
                break
            self._starts.append(at)
            at += 4 + size

    def holding(self, offset: int) -> CompileUnit | None:
        """The unit whose entries lie around this offset."""
        i = bisect_right(self._starts, offset) - 1
        if i < 0:
            return None
        unit = self._dwarf.get_CU_at(self._starts[i])
        return unit if unit.cu_die_offset <= offset < unit.cu_offset + unit.size else None


def _section(image: ElfImage, name: str) -> bytes:
    section = image.sections.get(f".{name}")
    if section is not None:
        data = image.section_bytes(section)
        if not section.compressed:
            return data
        kind, size = int.from_bytes(data[:4], "little"), int.from_bytes(data[8:16], "little")
        return _inflate(image, data[_ELF_CHDR:], size) if kind == _ZLIB else b""
    section = image.sections.get(f".z{name}")
    if section is None:
        return b""
    data = image.section_bytes(section)  # "ZLIB" and the size, the form before SHF_COMPRESSED
    return _inflate(image, data[12:], int.from_bytes(data[4:12], "big"))


def _inflate(image: ElfImage, data: bytes, size: int) -> bytes:
    if size > _MAX_SECTION:
        raise TargetError(f"{image.path}: debug information of {size} bytes is not believed")
    return zlib.decompressobj().decompress(data, size)


def _dwarf(image: ElfImage, info: bytes, abbrev: bytes) -> DWARFInfo:
    def descriptor(name: str, data: bytes) -> DebugSectionDescriptor:
        return DebugSectionDescriptor(
            stream=io.BytesIO(data), name=name, global_offset=0, size=len(data), address=0
        )

    sections: dict[str, Any] = dict.fromkeys(
        name for name in inspect.signature(DWARFInfo).parameters if name.endswith("_sec")
    )
    sections["debug_info_sec"] = descriptor(".debug_info", info)
    sections["debug_abbrev_sec"] = descriptor(".debug_abbrev", abbrev)
    return DWARFInfo(
        config=DwarfConfig(
            little_endian=True,
            machine_arch="x64" if image.arch == "amd64" else "AArch64",
            default_address_size=8,
        ),
        **sections,
    )


def _members(units: _Units, info: bytes, name: str) -> dict[str, int]:
    pattern = name.encode() + b"\0"
    at = -1
    for _ in range(_MAX_HITS):
        at = info.find(pattern, at + 1)
        if at < 0:
            return {}
        for code_size in (1, 2):  # the entry begins with its abbreviation code, a varint
            members = _struct_at(units, at - code_size, name)
            if members:
                return members
    return {}


def _struct_at(units: _Units, at: int, name: str) -> dict[str, int]:
    """The members of the struct entry that begins at this offset, if one does."""
    unit = units.holding(at)
    if unit is None:
        return {}
    die = _entry(unit, at)
    if die is None or die.tag != "DW_TAG_structure_type" or _text(die) != name:
        return {}
    members = {SIZE: _number(die, "DW_AT_byte_size")}
    for _ in range(_MAX_MEMBERS):
        at += die.size
        die = _entry(unit, at)
        if die is None or die.tag != "DW_TAG_member":
            break
        members[_text(die)] = _number(die, "DW_AT_data_member_location")
    return (
        members
        if all(0 <= value <= members[SIZE] < _MAX_SIZE for value in members.values())
        else {}
    )


def _entry(unit: CompileUnit, at: int) -> DIE | None:
    try:
        section = unit.dwarfinfo.debug_info_sec
        return DIE(unit, section.stream, at) if section else None
    except Exception:  # most places that hold the name are no entry, and pyelftools says it so
        return None


def _number(die: DIE, attribute: str) -> int:
    value = die.attributes[attribute].value if attribute in die.attributes else None
    return value if isinstance(value, int) else -1


def _text(die: DIE) -> str:
    value = die.attributes["DW_AT_name"].value if "DW_AT_name" in die.attributes else b""
    return value.decode(errors="replace") if isinstance(value, bytes) else ""
