"""Write gtrace_rec/goruntime/tables: offsets and wait reasons of every Go release with a toolchain.

    python -m tools.generate_tables [RELEASE...]

Builds one small program per release and architecture and reads it back with the same code that
reads users' binaries, so a table says exactly what the DWARF of that toolchain says.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import gtrace_rec.goruntime
from gtrace_rec.goruntime import open_binary
from gtrace_rec.goruntime.versions import TOOLCHAINS
from tests.toolchains import build

TABLES = Path(gtrace_rec.goruntime.__file__).parent / "tables"
_PROGRAM = Path(__file__).parent / "all_structs"
# p and mheap hold padding to the cache line, which is not the same on both architectures.
_PER_ARCH = {"p.sizeof", "mheap.sizeof"}


def main(releases: list[str]) -> None:
    """Write the tables of these releases, or of all that have a toolchain."""
    for release, version in TOOLCHAINS.items():
        if version and (not releases or release in releases):
            (TABLES / f"go{release}.json").write_text(render(release, version))
            print(f"go{release}.json from go{version}", file=sys.stderr)


def render(release: str, version: str) -> str:
    """The text of the table of one release; its first line says where it comes from.

    Raises SystemExit where the architectures differ, which no table could express.
    """
    tables = {}
    for mode in ("plain", "arm64"):
        binary = open_binary(build(version, _PROGRAM, mode))
        if binary.offsets.source != "DWARF":
            raise SystemExit(f"go{release} {mode}: incomplete DWARF")
        offsets = {k: v for k, v in binary.offsets.items() if k not in _PER_ARCH}
        tables[mode] = {"offsets": offsets, "wait_reasons": binary.wait_reasons}
    if tables["plain"] != tables["arm64"]:
        raise SystemExit(f"go{release}: amd64 and arm64 differ")
    origin = f"by tools/generate_tables.py from the DWARF of {binary.go_version}; do not edit"
    return as_json(origin, tables["plain"])


def as_json(origin: str, table: dict[str, Any]) -> str:
    """A table as it stands in its file."""
    body = json.dumps(table, indent=1)
    return f'{{"generated": {json.dumps(origin)},{body[1:]}\n'


if __name__ == "__main__":
    main(sys.argv[1:])
