"""Where the fields of the runtime's structs lie: asked of the binary, else of a generated table.

The fields are those of `runtime/runtime2.go`, `chan.go`, `netpoll.go`, `symtab.go` and `coro.go`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from gtrace_rec._errors import TargetError, UnsupportedGoError
from gtrace_rec.goruntime.dwarf import SIZE, struct_members
from gtrace_rec.goruntime.elf import ElfImage
from gtrace_rec.goruntime.versions import parse_version, supported_text

# What gtrace may want to know; a Go that lacks a field has no entry for it.
FIELDS: dict[str, tuple[str, ...]] = {
    "g": (
        *(
            "stack",
            "stackguard0",
            "_panic",
            "_defer",
            "m",
            "sched",
            "syscallsp",
            "syscallpc",
            "syscallbp",
            "param",
        ),
        *("atomicstatus", "goid", "schedlink", "waitsince", "waitreason", "lockedm"),
        *("parentGoid", "gopc", "startpc", "waiting", "labels", "timer", "coroarg", "coroexit"),
        *("syncGroup", "bubble", "trackingSeq"),
    ),
    "m": (
        *("g0", "gsignal", "procid", "curg", "p", "id", "lockedg", "alllink"),
        *("waitunlockf", "waitlock"),
    ),
    "p": ("id", "status", "m", "runqhead", "runqtail", "runq", "runnext", "gcw", "wbBuf"),
    "wbBuf": ("buf",),
    "gobuf": ("sp", "pc", "g", "ctxt", "ret", "lr", "bp"),
    "stack": ("lo", "hi"),
    "sudog": ("g", "next", "elem", "waitlink", "c", "isSelect"),
    "hchan": (
        *("qcount", "dataqsiz", "buf", "elemsize", "closed", "timer", "sendx", "recvx"),
        *("recvq", "sendq", "lock"),
    ),
    "waitq": ("first", "last"),
    "pollDesc": ("fd", "rg", "wg"),
    "schedt": ("goidgen", "runq", "runqsize"),
    "moduledata": (
        *("text", "etext", "data", "edata", "bss", "ebss", "noptrbss", "enoptrbss"),
        *("gofunc", "textsectmap", "next", "hasmain"),
    ),
    "coro": ("gp",),
    "mheap": ("allspans",),
    "mspan": ("startAddr", "npages", "elemsize", "spanclass", "state", "specials"),
    "special": ("next", "offset", "kind"),
    "hmap": ("count", "B", "buckets", "oldbuckets"),
}

# Patch releases of 1.23 and 1.24 inserted fields into m from here on; a table cannot know which
# patch release a private build is based on.
M_TRUSTED_BELOW = 289

_REQUIRED = ("g.goid", "g.atomicstatus", "g.waitreason", "g.sched", "g.stack", "g.m", "m.curg")


class Offsets(Mapping[str, int]):
    """Offsets in bytes, "g.goid" -> 152, and sizes, "g.sizeof" -> 456.

    `source` says where they come from: "DWARF", or "table go1.27". A field that this Go does not
    have, or whose place is not certain, is absent.
    """

    def __init__(self, values: Mapping[str, int], source: str) -> None:
        self._values = dict(values)
        self.source = source

    def __getitem__(self, field: str) -> int:
        return self._values[field]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Offsets({len(self)} from {self.source})"


def find_offsets(image: ElfImage, go_version: str) -> Offsets:
    """The offsets of this binary.

    Raises UnsupportedGoError where it has no DWARF and its version is not one of the tables.
    """
    values = dwarf_offsets(image)
    if all(field in values for field in _REQUIRED):
        return Offsets(values, "DWARF")
    version = parse_version(go_version)
    if version is None or version.table is None:
        raise UnsupportedGoError(
            f"{image.path}: built by {go_version}, and stripped of debug information; without "
            f"that, {supported_text()} are known: build it without -s and -w, or use a newer gtrace"
        )
    return Offsets(trusted(load_table(version.table)["offsets"]), f"table go{version.table}")


def dwarf_offsets(image: ElfImage) -> dict[str, int]:
    """The offsets that the binary's DWARF gives; none where it is absent or damaged."""
    try:
        structs = struct_members(image, [f"runtime.{name}" for name in FIELDS])
    except TargetError:
        return {}
    return {
        f"{name}.{field}": structs[f"runtime.{name}"][field]
        for name, fields in FIELDS.items()
        for field in (*fields, SIZE)
        if field in structs.get(f"runtime.{name}", ())
    }


def trusted(values: Mapping[str, int]) -> dict[str, int]:
    """Those offsets of a table that hold for every patch release of its Go."""
    return {
        field: value
        for field, value in values.items()
        if not (field.startswith("m.") and value >= M_TRUSTED_BELOW)
    }


@cache
def load_table(release: str) -> dict[str, dict[str, int]]:
    """The generated table of a Go release: `offsets` and `wait_reasons`."""
    path = files("gtrace_rec.goruntime") / "tables" / f"go{release}.json"
    table: dict[str, dict[str, int]] = json.loads(path.read_text())
    return table
