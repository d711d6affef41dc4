"""runtime.firstmoduledata: the linker's own description of the text, found without symbols."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from gtrace_rec._errors import TargetError, UnsupportedGoError
from gtrace_rec.goruntime.elf import ElfImage
from gtrace_rec.goruntime.pclntab import PclnHeader, find_headers

_TEXT = 176  # moduledata.text and .etext: at this place in every Go from 1.18 to 1.27
_MAX_HEADERS, _MAX_POINTERS = 16, 64


@dataclass(frozen=True)
class ModuleData:
    """The fields of moduledata that are of use. `gofunc` is None where its place is not known."""

    vaddr: int
    header: PclnHeader
    text: int
    etext: int
    gofunc: int | None


def find_module_data(image: ElfImage, offsets: Mapping[str, int]) -> ModuleData:
    """The module data of the program and the function table that belongs to it.

    Module data begins with the address of the table and that of the table's names. Raises
    UnsupportedGoError where there is none.
    """
    header = None
    for header in islice(find_headers(image), _MAX_HEADERS):
        for at in islice(image.pointers_to(header.vaddr), _MAX_POINTERS):
            module = _module_at(image, at, header, offsets)
            if module:
                return module
    if header is None:
        raise UnsupportedGoError(f"{image.path}: no Go function table of Go 1.18 or later in it")
    raise UnsupportedGoError(f"{image.path}: no Go module data for its function table")


def _module_at(
    image: ElfImage, at: int, header: PclnHeader, offsets: Mapping[str, int]
) -> ModuleData | None:
    try:
        if image.words(at, 2)[1] != header.vaddr + header.names:
            return None
        text, etext = image.words(at + _TEXT, 2)
        slot = offsets.get("moduledata.gofunc")
        gofunc = None if slot is None else image.words(at + slot, 1)[0]
        is_code = text < etext and image.segment(text).executable
    except TargetError:
        return None  # these words run out of the segment, or lead out of the file
    return ModuleData(at, header, text, etext, gofunc) if is_code else None
