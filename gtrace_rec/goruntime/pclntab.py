"""Go's function and line tables, which every Go binary carries, stripped or not.

Layout: `runtime/symtab.go` and `internal/abi/symtab.go`. Two magics are read: that of Go 1.18 and
1.19, and that of Go 1.20 and later. From Go 1.26 on the header holds no text start any more,
so the caller gives it, taken from the module data.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
import numpy.typing as npt

from gtrace_rec._errors import TargetError
from gtrace_rec.goruntime.elf import ElfImage

MAGIC_118, MAGIC_120 = 0xFFFFFFF0, 0xFFFFFFF1
_QUANTUM = {"amd64": 1, "arm64": 4}
_HEADER = struct.Struct("<I4B8Q")
_FUNC_118 = struct.Struct("<IiiIIIIII")  # entryOff nameOff args deferreturn pcsp … cuOffset
_FUNC_120 = struct.Struct("<IiiIIIIIIi")  # and startLine
_TAIL = struct.Struct("<BBBB")  # funcID flag pad nfuncdata
_INLINED_118 = struct.Struct("<hBxiiii")  # parent funcID file line nameOff parentPc
_INLINED_120 = struct.Struct("<Bxxxiii")  # funcID nameOff parentPc startLine
_U32 = struct.Struct("<I")
_NONE = 0xFFFFFFFF
_MAX_INLINED = 1000  # deeper than any compiler inlines: a loop in damaged data
_MAX_PCDATA = 256
_MAX_SAME_NAME = 64
_PCDATA_INLTREE, _FUNCDATA_INLTREE = 2, 3

FLAG_TOP_FRAME, FLAG_SP_WRITE, FLAG_ASM = 1, 2, 4
ARGS_UNKNOWN = -(1 << 31)


@dataclass(frozen=True)
class Function:
    """One function of the text. `end` is the entry of the next: padding is included.

    `name` has the type arguments of a generic function, from Go 1.21 on.
    `args` is the size of its arguments in the caller's frame, ARGS_UNKNOWN where it does not say.
    `func_id` is 0 for a common function; the numbers of the others differ between Go releases.
    `start_line` is the line of its `func` keyword, known from Go 1.20 on.
    """

    name: str
    entry: int
    end: int
    args: int
    func_id: int
    flag: int
    start_line: int | None
    pcsp: int
    pcfile: int
    pcline: int
    cu: int
    pcdata: tuple[int, ...]
    funcdata: tuple[int, ...]

    @property
    def top_frame(self) -> bool:
        """Nothing called it: unwinding ends here."""
        return bool(self.flag & FLAG_TOP_FRAME)


@dataclass(frozen=True)
class PcTable:
    """A value for every pc of a function: `values[i]` holds below `ends[i]`."""

    ends: list[int]
    values: list[int]

    def at(self, pc: int) -> int | None:
        """The value at exactly this pc; None outside the function."""
        i = bisect_right(self.ends, pc)
        return self.values[i] if i < len(self.values) else None


@dataclass(frozen=True)
class PclnHeader:
    """Where the tables stand; the offsets count from the header."""

    vaddr: int
    magic: int
    functions: int
    text_start: int
    names: int
    cu: int
    files: int
    pctab: int
    functab: int


def find_headers(image: ElfImage) -> Iterator[PclnHeader]:
    """What may be the header of the function table: by its section, then by searching for it.

    Externally linked position-independent binaries may have it merged into .data.rel.ro, and
    section headers may be missing altogether. A program that carries another one has two.
    """
    for name in (".gopclntab", ".data.rel.ro.gopclntab"):
        section = image.sections.get(name)
        header = _header_at(image, section.vaddr) if section and section.vaddr else None
        if header:
            yield header
    for magic in (MAGIC_120, MAGIC_118):
        pattern = struct.pack("<I4B", magic, 0, 0, _QUANTUM[image.arch], 8)
        for segment in image.segments:
            for vaddr in image.find(pattern, segment.vaddr, segment.end, 8):
                header = _header_at(image, vaddr)
                if header:
                    yield header


def _header_at(image: ElfImage, vaddr: int) -> PclnHeader | None:
    data = image.bytes_from(vaddr)
    if len(data) < _HEADER.size:
        return None
    magic, zero, zero2, quantum, ptr_size = _HEADER.unpack_from(data)[:5]
    if magic not in (MAGIC_118, MAGIC_120) or zero or zero2 or ptr_size != 8:
        return None
    functions, _, text_start, names, cu, files, pctab, functab = image.words(vaddr + 8, 8)
    ordered = _HEADER.size <= names < cu <= files < pctab < functab < len(data)
    if quantum != _QUANTUM[image.arch] or not ordered:
        return None
    if not 0 < functions <= (len(data) - functab - 4) // 8:
        return None
    return PclnHeader(vaddr, magic, functions, text_start, names, cu, files, pctab, functab)


@dataclass(frozen=True)
class Frame:
    """One function of a stack, named as Go's own dumps name it.

    An inlined one has no frame of its own on the machine's stack.
    """

    function: str | None
    file: str | None
    line: int | None
    inlined: bool


class FunctionTable:
    """All functions of a binary, by name and by pc. Decodes a function when it is asked for.

    `gofunc` is the base of the inline trees (moduledata.gofunc); None: inlined frames stay unseen.
    """

    def __init__(self, image: ElfImage, header: PclnHeader, text: int, gofunc: int | None) -> None:
        self._image = image
        self._header = header
        self._gofunc = gofunc
        self._quantum = _QUANTUM[image.arch]
        self._data = image.bytes_from(header.vaddr)
        table = np.frombuffer(self._data, "<u4", 2 * header.functions + 1, header.functab)
        if (table[2::2] < table[:-2:2]).any():
            raise self._damaged("functions are not in the order of their addresses")
        self._entries = table[::2].astype(np.int64) + text
        self._offsets = table[1::2].astype(np.int64)
        self._functions: dict[int, Function] = {}
        self._tables: dict[tuple[int, int], PcTable] = {}
        self._files: dict[int, str | None] = {}

    def __len__(self) -> int:
        return len(self._offsets)

    def __iter__(self) -> Iterator[Function]:
        return (self._function(i) for i in range(len(self)))

    def named(self, name: str) -> Function | None:
        """The function of this exact name.

        Where the linker made a wrapper of the same name (ABI0 next to ABIInternal), the function
        itself: the wrappers' id is the highest of all function ids in every Go release.
        """
        start = self._header.vaddr + self._header.names
        end = self._header.vaddr + self._header.cu
        found: list[int] = []
        for at in islice(self._image.find(name.encode() + b"\0", start, end), _MAX_SAME_NAME):
            found += np.flatnonzero(self._name_offsets == at - start).tolist()
        candidates = map(self._function, found)
        return min(candidates, key=lambda f: (f.func_id, f.entry), default=None)

    def at(self, pc: int) -> Function | None:
        """The function whose code holds this address."""
        if not self._entries[0] <= pc < self._entries[-1]:
            return None
        return self._function(int(self._entries.searchsorted(pc, "right")) - 1)

    def frames(self, pc: int) -> list[Frame]:
        """The frames of a pc that lies inside an instruction, innermost first; [] if not Go's."""
        function = self.at(pc)
        if function is None:
            return []
        if self._header.magic == MAGIC_118:
            return self._frames_118(function, pc)
        frames: list[Frame] = []
        index = self._inline_index(function, pc)
        while index >= 0 and len(frames) < _MAX_INLINED:
            _, name, parent_pc, _ = self._inline_node(function, index, _INLINED_120)
            frames.append(
                Frame(printed_name(self._name(name)), *self._file_line(function, pc), inlined=True)
            )
            pc = function.entry + parent_pc
            index = self._inline_index(function, pc)
        frames.append(
            Frame(printed_name(function.name), *self._file_line(function, pc), inlined=False)
        )
        return frames

    def sp_delta(self, pc: int) -> int | None:
        """Bytes between the stack pointer at exactly this pc and the frame's base.

        On amd64 the return address lies at the base. None outside Go's functions and where the
        table has no value.
        """
        function = self.at(pc)
        return None if function is None else self._value(function, function.pcsp, pc)

    def pcdata(self, function: Function, which: int, pc: int) -> int | None:
        """The value of one of its PCDATA tables at exactly this pc; None where it has none."""
        if len(function.pcdata) <= which:
            return None
        return self._value(function, function.pcdata[which], pc)

    def funcdata(self, function: Function, which: int) -> int | None:
        """The address of one of its FUNCDATA; None where it has none."""
        if self._gofunc is None or len(function.funcdata) <= which:
            return None
        offset = function.funcdata[which]
        return None if offset == _NONE else self._gofunc + offset

    def _frames_118(self, function: Function, pc: int) -> list[Frame]:
        """Go 1.18 and 1.19: a node says where it was called, and which node it is inlined in."""
        frames: list[Frame] = []
        place = self._file_line(function, pc)
        index = self._inline_index(function, pc)
        while index >= 0 and len(frames) < _MAX_INLINED:
            parent, _, file, line, name, _ = self._inline_node(function, index, _INLINED_118)
            frames.append(Frame(printed_name(self._name(name)), *place, inlined=True))
            place, index = (self._file(function, file), line), parent
        frames.append(Frame(printed_name(function.name), *place, inlined=False))
        return frames

    def _inline_index(self, function: Function, pc: int) -> int:
        if self.funcdata(function, _FUNCDATA_INLTREE) is None:
            return -1
        value = self.pcdata(function, _PCDATA_INLTREE, pc)
        return -1 if value is None else value

    def _inline_node(
        self, function: Function, index: int, layout: struct.Struct
    ) -> tuple[int, ...]:
        base = self.funcdata(function, _FUNCDATA_INLTREE)
        assert base is not None
        return layout.unpack(self._image.read(base + index * layout.size, layout.size))

    def _file_line(self, function: Function, pc: int) -> tuple[str | None, int | None]:
        file = self._value(function, function.pcfile, pc)
        line = self._value(function, function.pcline, pc)
        return self._file(function, file), line

    def _file(self, function: Function, number: int | None) -> str | None:
        if number is None or number < 0:
            return None
        slot = self._header.cu + 4 * (function.cu + number)
        if slot not in self._files:
            (offset,) = self._unpack(_U32, slot)
            at = self._header.vaddr + self._header.files + offset
            self._files[slot] = None if offset == _NONE else self._image.c_string(at)
        return self._files[slot]

    def _name(self, offset: int) -> str:
        return self._image.c_string(self._header.vaddr + self._header.names + offset)

    def _value(self, function: Function, table: int, pc: int) -> int | None:
        if table == 0:
            return None
        key = function.entry, table
        if key not in self._tables:
            self._tables[key] = self._decode(function, table)
        return self._tables[key].at(pc)

    def _decode(self, function: Function, table: int) -> PcTable:
        """A stream of (value delta zig-zag, pc delta) varints; a value delta of 0 ends it."""
        data, at = self._data, self._header.pctab + table
        pc, value = function.entry, -1
        ends: list[int] = []
        values: list[int] = []
        while pc < function.end:
            delta, at = _varint(data, at)
            if delta == 0 and ends:
                break
            value += -(delta >> 1) - 1 if delta & 1 else delta >> 1
            step, at = _varint(data, at)
            pc += step * self._quantum
            ends.append(pc)
            values.append(value)
        return PcTable(ends, values)

    @cached_property
    def _name_offsets(self) -> npt.NDArray[np.uint32]:
        area = self._data[self._header.functab :]
        words = np.frombuffer(area, "<u4", len(area) // 4)
        at = self._offsets // 4 + 1
        if (self._offsets % 4).any() or (at >= len(words)).any():
            raise self._damaged("a function lies outside the table")
        return words[at]

    def _function(self, index: int) -> Function:
        found = self._functions.get(index)
        if found is None:
            found = self._functions[index] = self._read_function(index)
        return found

    def _read_function(self, index: int) -> Function:
        at = self._header.functab + int(self._offsets[index])
        layout = _FUNC_118 if self._header.magic == MAGIC_118 else _FUNC_120
        _, name, args, _, pcsp, pcfile, pcline, pcdata, cu, *start = self._unpack(layout, at)
        at += layout.size
        func_id, flag, _, funcdata = self._unpack(_TAIL, at)
        at += _TAIL.size
        if pcdata > _MAX_PCDATA:
            raise self._damaged(f"a function with {pcdata} pcdata tables")
        return Function(
            name=self._name(name),
            entry=int(self._entries[index]),
            end=int(self._entries[index + 1]),
            args=args,
            func_id=func_id,
            flag=flag,
            start_line=start[0] if start else None,
            pcsp=pcsp,
            pcfile=pcfile,
            pcline=pcline,
            cu=cu,
            pcdata=self._unpack(struct.Struct(f"<{pcdata}I"), at),
            funcdata=self._unpack(struct.Struct(f"<{funcdata}I"), at + 4 * pcdata),
        )

    def _unpack(self, layout: struct.Struct, at: int) -> tuple[int, ...]:
        try:
            return layout.unpack_from(self._data, at)
        except struct.error:
            raise self._damaged(f"an entry at {at:#x} lies outside") from None

    def _damaged(self, what: str) -> TargetError:
        return TargetError(f"{self._image.path}: damaged Go function table: {what}")


def printed_name(name: str) -> str:
    """A function's name as Go prints it: type arguments are "[...]" (funcNameForPrint)."""
    start, end = name.find("["), name.rfind("]")
    return f"{name[:start]}[...]{name[end + 1 :]}" if 0 <= start < end else name


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """A base-128 varint of at most 32 bits and the offset after it; 0 past the end of the data."""
    value = shift = 0
    for byte in data[at : at + 5]:
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
    return value & 0xFFFFFFFF, at
