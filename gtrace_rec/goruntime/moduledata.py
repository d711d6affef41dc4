"""runtime.firstmoduledata: the linker's own description of the text, found without symbols."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gtrace_rec._errors import TargetError, UnsupportedGoError
from gtrace_rec.goruntime.elf import ElfImage
from gtrace_rec.goruntime.pclntab import PclnHeader

_TEXT = 176  # moduledata.text and .etext: at this place in every Go from 1.18 to 1.27


@dataclass(frozen=True)
class ModuleData:
    """The fields of moduledata that are of use. `gofunc` is None where its place is not known."""

    vaddr: int
    text: int
    etext: int
    gofunc: int | None


def find_module_data(image: ElfImage, header: PclnHeader, offsets: Mapping[str, int]) -> ModuleData:
    """The module data that belongs to this function table.

    It begins with the address of the table and that of the table's names. Raises
    UnsupportedGoError where there is none.
    """
    for at in image.pointers_to(header.vaddr):
        try:
            if image.words(at, 2)[1] != header.vaddr + header.names:
                continue
            text, etext = image.words(at + _TEXT, 2)
            slot = offsets.get("moduledata.gofunc")
            gofunc = None if slot is None else image.words(at + slot, 1)[0]
        except TargetError:
            continue  # these words run out of the segment: not the module data
        if text < etext and image.segment(text).executable:
            return ModuleData(at, text, etext, gofunc)
    raise UnsupportedGoError(f"{image.path}: no Go module data for its function table")
