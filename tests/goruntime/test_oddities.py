"""Binaries as people treat them: stripped by other tools, without headers, without build info."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

import toolchains
from goruntime.support import NATIVE, SHAPES, VERSIONS, builds, go_tool, shapes
from gtrace_rec._errors import TargetError, UnsupportedGoError
from gtrace_rec.goruntime import GoBinary, open_binary

pytestmark = [pytest.mark.go]


def without_section_headers(path: Path, out: Path) -> Path:
    data = bytearray(path.read_bytes())
    struct.pack_into("<Q", data, 0x28, 0)  # e_shoff
    struct.pack_into("<HH", data, 0x3C, 0, 0)  # e_shnum, e_shstrndx
    out.write_bytes(data)
    return out


def essence(binary: GoBinary) -> dict[str, object]:
    """What must not depend on how the binary was treated."""
    named = binary.functions.named
    gopark, mcall, outer = named("runtime.gopark"), named("runtime.mcall"), named("main.outer")
    assert gopark
    assert mcall
    assert outer
    return {
        "version": binary.go_version,
        "text": binary.text,
        "functions": [(f.name, f.entry, f.end) for f in binary.functions],
        "calls": binary.call_sites(gopark, mcall),
        "lines": [binary.symbolize(pc) for pc in range(outer.entry, outer.end, 4)],
        "deltas": [binary.sp_delta(pc) for pc in range(outer.entry, outer.end, 4)],
        "reasons": binary.wait_reasons,
        "allgs": binary.allgs,
        "goid": binary.offsets["g.goid"],
    }


@builds(toolchains.MODES)
def test_section_headers_are_not_needed(version: str, mode: str, tmp_path: Path) -> None:
    binary = shapes(version, mode)
    bare = open_binary(without_section_headers(binary.path, tmp_path / "bare"))
    assert bare.stripped
    assert bare.offsets.source.startswith("table")
    assert essence(bare) == essence(binary)


@builds(["stripped", "pie-stripped", "cgo", "arm64-stripped"])
def test_without_build_info_the_runtime_tells_its_version(
    version: str, mode: str, tmp_path: Path
) -> None:
    binary = shapes(version, mode)
    data = binary.path.read_bytes()
    (tmp_path / "hidden").write_bytes(data.replace(b"\xff Go buildinf:", b"\xff No buildinf:"))
    hidden = open_binary(tmp_path / "hidden")
    assert hidden.settings == {}
    assert essence(hidden) == essence(binary)


@VERSIONS
@pytest.mark.parametrize(
    ("tool", "stripped", "source"),
    [
        (["strip"], True, "table"),
        (["strip", "--strip-debug"], False, "table"),
        (["objcopy", "--only-section=.text", "--remove-section=.symtab"], None, None),
        (["objcopy", "--decompress-debug-sections"], False, "DWARF"),
        (["objcopy", "--compress-debug-sections=zlib-gnu"], False, "DWARF"),
        (["objcopy", "--compress-debug-sections=zlib-gabi"], False, "DWARF"),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, list) else "",
)
def test_what_binutils_make_of_it(
    version: str, tool: list[str], stripped: bool | None, source: str | None, tmp_path: Path
) -> None:
    binary = shapes(version, "plain")
    copy = tmp_path / "copy"
    shutil.copy(binary.path, copy)
    subprocess.run([*tool, copy], check=True, capture_output=True)
    if source is None:
        with pytest.raises(TargetError):
            open_binary(copy).functions  # noqa: B018
        return
    treated = open_binary(copy)
    assert treated.stripped == stripped
    assert treated.offsets.source.startswith(source)
    assert essence(treated) == essence(binary)


@VERSIONS
def test_relocations_in_place(version: str, tmp_path: Path) -> None:
    """DT_RELR, which newer linkers write: no addend has a record of its own."""
    flags = "-s -w -linkmode=external -extldflags=-Wl,-z,pack-relative-relocs"
    out = tmp_path / "relr"
    go = toolchains.toolchain(version)
    subprocess.run(
        [go, "build", "-buildvcs=false", "-buildmode=pie", f"-ldflags={flags}", "-o", out, "."],
        cwd=SHAPES,
        env=toolchains.go_env(toolchains.Mode(cgo=True)),
        check=True,
    )
    read = subprocess.run(["readelf", "-d", out], capture_output=True, text=True, check=True)
    assert "(RELR)" in read.stdout
    binary, usual = open_binary(out), shapes(version, "cgo-pie-stripped")
    assert binary.wait_reasons == usual.wait_reasons
    assert [f.name for f in binary.functions] == [f.name for f in usual.functions]
    outer = binary.functions.named("main.outer")
    assert outer
    names = {
        frame.function for pc in range(outer.entry, outer.end) for frame in binary.symbolize(pc)
    }
    assert {"main.outer", "main.twice", "main.receive"} <= names


def test_a_go_program_inside_a_go_program(tmp_path: Path) -> None:
    """Its tables come first in the file, and are not taken for those of the program around it."""
    inner = toolchains.build(toolchains.TOOLCHAINS[-2], SHAPES, "stripped")
    shutil.copy(inner, tmp_path / "inner.bin")
    (tmp_path / "go.mod").write_text("module outer\n\ngo 1.19\n")
    (tmp_path / "main.go").write_text(
        'package main\n\nimport _ "embed"\n\n//go:embed inner.bin\nvar inner string\n\n'
        "func main() { println(len(inner)) }\n"
    )
    out = tmp_path / "outer"
    subprocess.run(
        [toolchains.toolchain(toolchains.NEWEST), "build", "-ldflags=-s -w", "-o", out, "."],
        cwd=tmp_path,
        env=toolchains.go_env(toolchains.Mode()),
        check=True,
    )
    for path in (out, without_section_headers(out, tmp_path / "bare")):
        binary = open_binary(path)
        assert binary.go_version == f"go{toolchains.NEWEST}"
        assert binary.functions.named("main.outer") is None
        main = binary.functions.named("main.main")
        assert main
        assert str(binary.symbolize(main.entry)[0].file).endswith("main.go")


@pytest.mark.parametrize("future", ["go1.99.9", "go1.28.0", "devel go1.28"])
def test_an_unknown_go_with_debug_information_is_read_by_that(future: str, tmp_path: Path) -> None:
    binary = shapes(toolchains.NEWEST, "plain")
    other = tmp_path / "other"
    size = len(f"go{toolchains.NEWEST}")
    said = f"go{toolchains.NEWEST}".encode()
    other.write_bytes(binary.path.read_bytes().replace(said, future[:size].encode()))
    unknown = open_binary(other)
    assert unknown.go_version == future[:size]
    assert unknown.offsets.source == "DWARF"
    assert essence(unknown) == essence(binary) | {"version": future[:size]}


@pytest.mark.parametrize("future", ["go1.99.9", "go1.28.0"])
def test_an_unknown_go_without_it_is_refused_by_name(future: str, tmp_path: Path) -> None:
    binary = shapes(toolchains.NEWEST, "stripped")
    other = tmp_path / "other"
    said = f"go{toolchains.NEWEST}".encode()
    other.write_bytes(binary.path.read_bytes().replace(said, future.encode()))
    with pytest.raises(UnsupportedGoError, match=rf"{future}.*Go 1\.19 to 1\.27"):
        open_binary(other)


@VERSIONS
def test_functions_of_c_have_their_names(version: str) -> None:
    binary = shapes(version, "cgo")
    lines = [line.split() for line in go_tool("nm", binary.path).splitlines()]
    at = {line[2]: int(line[0], 16) for line in lines if len(line) == 3}
    (frame,) = binary.symbolize(at["x_cgo_init"] + 4)
    assert (frame.function, frame.file, frame.line) == ("x_cgo_init", None, None)
    assert open_binary(binary.path).symbolize(1) == []
    assert shapes(version, "cgo-pie-stripped").symbolize(1) == []


@builds(NATIVE)
def test_build_info_is_that_of_go_version(version: str, mode: str) -> None:
    binary = shapes(version, mode)
    go = toolchains.toolchain(toolchains.NEWEST)
    said = subprocess.run(
        [go, "version", "-m", binary.path], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert said[0].endswith(f": {binary.go_version}")
    rows = [line.strip().split("\t") for line in said[1:]]
    settings = [row[1].partition("=")[::2] for row in rows if row[0] == "build"]
    assert binary.settings == {key: value.strip('"') for key, value in settings}
    assert ["path", binary.info.path] in rows
