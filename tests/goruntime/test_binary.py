"""open_binary on real programs of every Go and every way to build, and on what is no Go program."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import toolchains
from goruntime.support import SHAPES, VERSIONS, builds, shapes
from gtrace_rec._errors import TargetError, UnsupportedGoError
from gtrace_rec.goruntime import open_binary

pytestmark = pytest.mark.go


@builds(toolchains.MODES)
def test_identity(version: str, mode: str) -> None:
    binary = shapes(version, mode)
    assert binary.go_version.startswith(f"go{version}")
    assert binary.arch == ("arm64" if "arm64" in mode else "amd64")
    assert binary.pie == ("pie" in mode)
    assert binary.stripped == ("stripped" in mode)
    assert binary.cgo == ("cgo" in mode)
    assert binary.offsets.source == ("table go" + version[:4] if binary.stripped else "DWARF")
    assert binary.settings["CGO_ENABLED"] == str(int(binary.cgo))
    assert binary.read(binary.text, 4)
    assert binary.wait_reasons[0] == ""
    assert "chan receive" in binary.wait_reasons


@VERSIONS
def test_stripping_changes_no_answer(version: str) -> None:
    plain, stripped = shapes(version, "plain"), shapes(version, "stripped")
    assert plain.wait_reasons == stripped.wait_reasons
    assert all(plain.offsets[field] == value for field, value in stripped.offsets.items())
    assert {f.name for f in plain.functions} == {f.name for f in stripped.functions}
    gopark = stripped.functions.named("runtime.gopark")
    mcall = stripped.functions.named("runtime.mcall")
    assert gopark is not None
    assert mcall is not None
    (site,) = stripped.call_sites(gopark, mcall)
    assert gopark.entry < site < gopark.end
    assert stripped.read(site, 1) == b"\xe8"


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="nothing: no such file"):
        open_binary(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (shutil.which("bash") or "/bin/sh", "not a Go program"),
        (__file__, "no ELF file"),
        ("/proc/self", "a directory"),
        ("/dev/null", "empty"),
    ],
)
def test_what_is_no_go_program(path: str, says: str) -> None:
    with pytest.raises(TargetError, match=says):
        open_binary(path)


@pytest.mark.parametrize(("arch", "says"), [("386", "32-bit"), ("riscv64", "for riscv")])
def test_go_for_other_machines(tmp_path: Path, arch: str, says: str) -> None:
    (tmp_path / "main.go").write_text("package main\n\nfunc main() {}\n")
    env = toolchains.go_env(toolchains.Mode(goarch=arch))
    command = [toolchains.toolchain(toolchains.NEWEST), "build", "-o", "other", "main.go"]
    subprocess.run(command, cwd=tmp_path, env=env, check=True)
    with pytest.raises(TargetError, match=says):
        open_binary(tmp_path / "other")


@pytest.mark.parametrize("future", ["go1.99.9", "go1.18.5"])
def test_unknown_versions_are_refused_by_name(tmp_path: Path, future: str) -> None:
    built = toolchains.build(toolchains.NEWEST, SHAPES, "stripped")
    was = f"go{toolchains.NEWEST}".encode()
    data = built.read_bytes()
    assert len(future) == len(was)
    other = tmp_path / "other"
    other.write_bytes(data.replace(was, future.encode()))
    with pytest.raises(UnsupportedGoError, match=rf"{future}.* Go 1\.19 to 1\.27"):
        open_binary(other)
