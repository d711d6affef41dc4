"""The bytes of one ELF file, by the addresses they are linked at.

Nothing here knows of Go. Counts and sizes come from the file and are believed only as far as the
file itself reaches, so that a damaged file costs no more time or memory than a sound one.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

from gtrace_rec._errors import TargetError
from gtrace_rec.goruntime.symbols import SymbolTable

_ARCHES = {"EM_X86_64": "amd64", "EM_AARCH64": "arm64"}
_RELATIVE = {"amd64": 8, "arm64": 1027}  # R_X86_64_RELATIVE, R_AARCH64_RELATIVE
_RELA = np.dtype([("offset", "<u8"), ("info", "<u8"), ("addend", "<u8")])
_MAX_SECTIONS = 4096  # a Go binary has about 25; more is damage, and headers are optional anyway
_MAX_ADDRESS = 1 << 48  # of user space, as both architectures have it
_PF_X, _PF_W = 1, 2
_NULL = np.zeros(0, np.uint64)


@dataclass(frozen=True)
class Segment:
    """The part of a PT_LOAD that comes from the file."""

    vaddr: int
    offset: int
    size: int
    writable: bool
    executable: bool

    @property
    def end(self) -> int:
        """The address after the last byte from the file."""
        return self.vaddr + self.size


@dataclass(frozen=True)
class Section:
    """A section's place in the file; `vaddr` is 0 for one that is not loaded."""

    name: str
    vaddr: int
    offset: int
    size: int
    compressed: bool


class ElfImage:
    """A 64-bit little-endian ELF file of a Linux program on amd64 or arm64.

    Addresses are virtual addresses as linked. Raises TargetError for what is not such a file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._map = _map_file(self.path)
        with self.parsing("ELF header"):
            self._elf = _elf_file(self.path, self._map)
            self.arch: str = _arch(self.path, self._elf)
            self.pie: bool = self._elf["e_type"] == "ET_DYN"
            self.entry: int = self._elf["e_entry"]
            self._segments = list(self._elf.iter_segments())
        self.segments = tuple(self._load_segments())
        if not self.segments:
            raise TargetError(f"{self.path}: no loadable segment in this ELF file: not a program")

    def close(self) -> None:
        """Unmap the file. Arrays that were handed out keep it mapped until they are gone."""
        with contextlib.suppress(BufferError):
            self._map.close()

    @contextlib.contextmanager
    def parsing(self, what: str) -> Iterator[None]:
        """Turn whatever a parser raises on damaged input into one TargetError."""
        try:
            yield
        except TargetError:
            raise
        except Exception as e:  # the ELF and DWARF library raises about anything on bad input
            raise TargetError(
                f"{self.path}: damaged {what}: {type(e).__name__} {e}".rstrip()
            ) from e

    # ------------------------------------------------------------------ bytes by address

    def file_offset(self, vaddr: int) -> int:
        """Offset in the file of the byte that is loaded at `vaddr`."""
        segment = self.segment(vaddr)
        return vaddr - segment.vaddr + segment.offset

    def segment(self, vaddr: int) -> Segment:
        """The segment that loads `vaddr` from the file."""
        for s in self.segments:
            if s.vaddr <= vaddr < s.end:
                return s
        raise TargetError(f"{self.path}: address {vaddr:#x} is not in the file")

    def read(self, vaddr: int, size: int) -> bytes:
        """`size` bytes at `vaddr`, as they stand in the file: relocations are not applied."""
        segment = self.segment(vaddr)
        if size < 0 or vaddr + size > segment.end:
            raise TargetError(f"{self.path}: {size} bytes at {vaddr:#x} are not in the file")
        start = vaddr - segment.vaddr + segment.offset
        return self._map[start : start + size]

    def words(self, vaddr: int, count: int) -> list[int]:
        """`count` 64-bit words at `vaddr`, with relative relocations applied for load bias 0.

        DT_RELR needs no work: its addends stand in place.
        """
        found = list(struct.unpack(f"<{count}Q", self.read(vaddr, 8 * count)))
        where, addends = self._relocations
        for i in range(*np.searchsorted(where, [vaddr, vaddr + 8 * count])):
            at, rest = divmod(int(where[i]) - vaddr, 8)
            if rest == 0:
                found[at] = int(addends[i])
        return found

    def bytes_from(self, vaddr: int) -> memoryview:
        """All bytes from `vaddr` to the end of its segment, without copying them."""
        segment = self.segment(vaddr)
        start = vaddr - segment.vaddr + segment.offset
        return memoryview(self._map)[start : segment.offset + segment.size]

    def find(self, pattern: bytes, start: int, end: int, align: int = 1) -> Iterator[int]:
        """Addresses from `start` on, multiples of `align`, where `pattern` stands before `end`.

        Both ends lie in one segment.
        """
        bias = self.file_offset(start) - start
        at = self._map.find(pattern, start + bias, end + bias)
        while at >= 0:
            if (at - bias) % align == 0:
                yield at - bias
            at = self._map.find(pattern, at + 1, end + bias)

    def c_string(self, vaddr: int, limit: int = 1 << 16) -> str:
        """The zero-terminated string at `vaddr`."""
        start = self.file_offset(vaddr)
        end = self._map.find(b"\0", start, start + limit)
        if end < 0:
            raise TargetError(f"{self.path}: damaged: no end of the string at {vaddr:#x}")
        return self._map[start:end].decode(errors="replace")

    def pointers_to(self, vaddr: int) -> Iterator[int]:
        """Addresses of the words in writable segments that hold `vaddr` once relocated."""
        for segment in self.segments:
            if segment.writable:
                yield from self.find(struct.pack("<Q", vaddr), segment.vaddr, segment.end, 8)
        where, addends = self._relocations
        yield from where[addends == vaddr].tolist()

    # ------------------------------------------------------------------ sections and symbols

    @cached_property
    def sections(self) -> dict[str, Section]:
        """Sections by name; empty where the headers are missing or damaged."""
        try:
            if not 0 < self._elf.num_sections() <= _MAX_SECTIONS:
                return {}
            return {
                s.name: Section(
                    s.name,
                    s["sh_addr"],
                    s["sh_offset"],
                    0 if s["sh_type"] == "SHT_NOBITS" else s["sh_size"],
                    bool(s.compressed),
                )
                for s in self._elf.iter_sections()
                if s["sh_type"] == "SHT_NOBITS" or s["sh_offset"] + s["sh_size"] <= len(self._map)
            }
        except Exception:  # see parsing(); without headers everything is found by searching
            return {}

    def section_bytes(self, section: Section) -> bytes:
        """A section's bytes as they stand in the file, compressed ones too."""
        return self._map[section.offset : section.offset + section.size]

    @cached_property
    def symbols(self) -> SymbolTable:
        """The symbol table; empty where it was stripped."""
        table, names = self.sections.get(".symtab"), self.sections.get(".strtab")
        if table is None or names is None:
            return SymbolTable(b"", b"")
        return SymbolTable(self.section_bytes(table), self.section_bytes(names))

    @cached_property
    def build_id(self) -> str | None:
        """The GNU build id in hex, else Go's own build id as text."""
        gnu, go = self.sections.get(".note.gnu.build-id"), self.sections.get(".note.go.buildid")
        for section, name in ((gnu, b"GNU\0"), (go, b"Go\0\0")):
            note = self.section_bytes(section) if section else b""
            if len(note) < 16 or note[12:16] != name:
                continue
            desc = note[16 : 16 + int.from_bytes(note[4:8], "little")]
            return desc.hex() if section is gnu else desc.decode(errors="replace")
        return None

    # ------------------------------------------------------------------ segments, relocations

    def _load_segments(self) -> Iterator[Segment]:
        for s in self._segments:
            offset, size = s["p_offset"], s["p_filesz"]
            if s["p_type"] != "PT_LOAD" or size == 0:
                continue
            if offset + size > len(self._map):
                raise TargetError(
                    f"{self.path}: cut short: a segment ends at byte {offset + size}, "
                    f"the file at {len(self._map)}"
                )
            if s["p_vaddr"] + size > _MAX_ADDRESS:
                raise TargetError(f"{self.path}: damaged: a segment at {s['p_vaddr']:#x}")
            flags = s["p_flags"]
            yield Segment(s["p_vaddr"], offset, size, bool(flags & _PF_W), bool(flags & _PF_X))

    @cached_property
    def _relocations(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
        """Addresses and addends of the relative relocations of DT_RELA, by address."""
        with self.parsing("dynamic section"):
            tags: dict[str, Any] = {}
            for segment in self._segments:
                if isinstance(segment, DynamicSegment) and segment["p_filesz"] <= len(self._map):
                    tags |= {t.entry.d_tag: t.entry.d_val for t in segment.iter_tags()}
            start, size = tags.get("DT_RELA"), tags.get("DT_RELASZ", 0)
        if start is None or not size:
            return _NULL, _NULL
        rela = np.frombuffer(self.read(start, size - size % _RELA.itemsize), _RELA)
        rela = rela[(rela["info"] & 0xFFFFFFFF) == _RELATIVE[self.arch]]
        rela = rela[np.argsort(rela["offset"], kind="stable")]
        return rela["offset"].copy(), rela["addend"].copy()


def _map_file(path: Path) -> mmap.mmap:
    try:
        with path.open("rb") as f:
            if os.fstat(f.fileno()).st_size == 0:
                raise TargetError(f"{path}: not a program: the file is empty")
            return mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError:
        raise TargetError(f"{path}: no such file") from None
    except PermissionError:
        raise TargetError(f"{path}: no permission to read it; try as root (sudo)") from None
    except IsADirectoryError:
        raise TargetError(f"{path}: a directory; name the program itself") from None
    except (OSError, ValueError) as e:
        raise TargetError(f"{path}: cannot be read as a program: {e}") from None


def _elf_file(path: Path, data: mmap.mmap) -> ELFFile:
    if data[:4] != b"\x7fELF":
        hint = "a script" if data[:2] == b"#!" else "no ELF file"
        raise TargetError(f"{path}: not a program that can be recorded: {hint}")
    if len(data) < 64:
        raise TargetError(f"{path}: cut short: {len(data)} bytes are no ELF file")
    elf = ELFFile(cast(IO[bytes], data))  # a mapping reads and seeks as a file does
    if elf["e_phnum"] * elf["e_phentsize"] > len(data):
        raise TargetError(f"{path}: damaged ELF header: more segments than the file has room for")
    return elf


def _arch(path: Path, elf: ELFFile) -> str:
    machine = str(elf["e_machine"])
    name = machine.removeprefix("EM_").lower()
    if elf.elfclass != 64:
        raise TargetError(f"{path}: a 32-bit program ({name}); gtrace records 64-bit ones")
    if machine not in _ARCHES or not elf.little_endian:
        known = " and ".join(_ARCHES.values())
        raise TargetError(f"{path}: built for {name}; gtrace records {known} programs")
    if elf["e_type"] not in ("ET_EXEC", "ET_DYN"):
        raise TargetError(f"{path}: not an executable ({elf['e_type']})")
    return _ARCHES[machine]
