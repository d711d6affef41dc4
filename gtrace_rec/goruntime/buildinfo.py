"""Which Go built a binary, and how.

The build info block is described in Go's `debug/buildinfo/buildinfo.go`; the inline form (strings
in the block itself) is that of Go 1.18 and later, the only one read here: what older Go writes
is too old to record.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gtrace_rec._errors import NotGoError, TargetError, UnsupportedGoError
from gtrace_rec.goruntime.elf import ElfImage
from gtrace_rec.goruntime.versions import supported_text

_MAGIC = b"\xff Go buildinf:"
_ALIGN, _HEADER = 16, 32
_INLINE_STRINGS = 2
_SENTINEL = 16  # bytes of marker before and after the module information
_MAX_STRING = 1 << 20
_VERSION = re.compile(rb"go1\.\d{1,3}(?:\.\d{1,3}|rc\d{1,2}|beta\d{1,2})?")
_MAX_CANDIDATES = 200


@dataclass(frozen=True)
class BuildInfo:
    """What `go version -m` prints: version, main package and module, build settings."""

    go_version: str
    path: str | None = None
    module: str | None = None
    settings: dict[str, str] = field(default_factory=dict)


def read_build_info(image: ElfImage) -> BuildInfo:
    """The build info of a Go binary, or at least the version its runtime states.

    Raises NotGoError where the binary is not Go, UnsupportedGoError where it is too old.
    """
    at = _find_block(image)
    if at is None:
        version = _runtime_version(image) if _may_be_go(image) else None
        if version is None:
            raise NotGoError(f"{image.path}: not a Go program: no Go build information in it")
        return BuildInfo(version)
    header = image.read(at, _HEADER)
    if not header[15] & _INLINE_STRINGS:
        raise UnsupportedGoError(
            f"{image.path}: built by a Go older than 1.18; supported are {supported_text()}"
        )
    version_text, after = _string(image, at + _HEADER)
    modinfo, _ = _string(image, after)
    # "unknown" is what tools write that hide the version; the runtime may still state it.
    if not version_text.startswith((b"go", b"devel")):
        version_text = (_runtime_version(image) or "").encode() or version_text
    return _parse(version_text.decode(errors="replace"), modinfo)


def _may_be_go(image: ElfImage) -> bool:
    """False where the section headers say that it is not: spares searching the whole file."""
    marks = ("go", "gopclntab")  # .note.go.buildid, .go.module, .data.rel.ro.gopclntab …
    parts = {part for name in image.sections for part in name.split(".")}
    return not parts or not parts.isdisjoint(marks)


def _find_block(image: ElfImage) -> int | None:
    section = image.sections.get(".go.buildinfo")
    if section and section.vaddr and section.size >= _HEADER:
        start = section.vaddr
        if image.read(start, len(_MAGIC)) == _MAGIC:
            return start
    for segment in image.segments:
        if segment.writable:
            for at in image.find(_MAGIC, segment.vaddr, segment.end, _ALIGN):
                if at + _HEADER <= segment.end:
                    return at
    return None


def _string(image: ElfImage, at: int) -> tuple[bytes, int]:
    """A string behind its length as a varint, and the address after it."""
    size = shift = 0
    while True:
        byte = image.read(at, 1)[0]
        at += 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
        if shift > 28:
            raise TargetError(f"{image.path}: damaged Go build information: a string too long")
    if size > _MAX_STRING:
        raise TargetError(f"{image.path}: damaged Go build information: a string of {size} bytes")
    return image.read(at, size), at + size


def _parse(version: str, modinfo: bytes) -> BuildInfo:
    if len(modinfo) > 2 * _SENTINEL and modinfo[-_SENTINEL - 1] == ord("\n"):
        modinfo = modinfo[_SENTINEL:-_SENTINEL]
    path = module = None
    settings: dict[str, str] = {}
    for line in modinfo.decode(errors="replace").splitlines():
        kind, _, rest = line.partition("\t")
        if kind == "path":
            path = rest
        elif kind == "mod":
            module = rest.split("\t")[0]
        elif kind == "build":
            key, _, value = rest.partition("=")
            settings[key.strip('"`')] = value.strip('"`')
    return BuildInfo(version, path, module, settings)


def _runtime_version(image: ElfImage) -> str | None:
    """The value of runtime.buildVersion: the one string variable that is a Go version."""
    symbol = image.symbols.named("runtime.buildVersion")
    if symbol:
        pointer, size = image.words(symbol.vaddr, 2)
        if 0 < size < 256:
            return image.read(pointer, size).decode(errors="replace")
    for vaddr, text in itertools.islice(_version_strings(image), _MAX_CANDIDATES):
        for at in image.pointers_to(vaddr):
            # Go strings have no end mark: the variable's length says where this one ends.
            size = image.words(at, 2)[1]
            if size <= len(text) and _VERSION.fullmatch(text[:size]):
                return text[:size].decode()
    return None


def _version_strings(image: ElfImage) -> Iterator[tuple[int, bytes]]:
    for segment in image.segments:
        for m in _VERSION.finditer(image.bytes_from(segment.vaddr)):
            yield segment.vaddr + m.start(), m[0]
