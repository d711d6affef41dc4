"""Programs that others built."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import others
from gtrace_rec.goruntime import open_binary

CALLS = {
    "runtime.newproc1": 2,
    "runtime.ready": 1,
    "runtime.execute": 1,
    "runtime.park_m": 2,
    "runtime.findRunnable": 5,
    "runtime.goschedImpl": 1,
    "runtime.injectglist": 1,
}


@pytest.mark.parametrize(
    ("program", "version", "arch", "functions", "main"),
    [
        (others.prometheus, "go1.19", "amd64", 50_000, "cmd/prometheus/main.go"),
        (others.caddy, "go1.27", "amd64", 50_000, "caddy/main.go"),
        (lambda: others.esbuild("amd64"), "go1.20.7", "amd64", 5_000, "cmd/esbuild/main.go"),
        (lambda: others.esbuild("arm64"), "go1.20.7", "arm64", 5_000, "cmd/esbuild/main.go"),
    ],
    ids=["prometheus", "caddy", "esbuild", "esbuild-arm64"],
)
def test_everything_is_found(
    program: Callable[[], Path], version: str, arch: str, functions: int, main: str
) -> None:
    binary = open_binary(program())
    assert binary.go_version.startswith(version)
    assert binary.arch == arch
    assert binary.stripped
    assert binary.offsets.source == f"table go{version[2:6]}"
    assert len(binary.functions) > functions
    named = binary.functions.named
    casgstatus, gopark, mcall = (named(f"runtime.{n}") for n in ("casgstatus", "gopark", "mcall"))
    assert casgstatus
    assert gopark
    assert mcall
    for name, count in CALLS.items():
        caller = named(name)
        assert caller
        assert len(binary.call_sites(caller, casgstatus)) == count
    (park,) = binary.call_sites(gopark, mcall)
    assert binary.cost_class(park) == "emulated"
    assert binary.symbolize(park)[-1].function == "runtime.gopark"
    assert str(binary.symbolize(park)[0].file).endswith("runtime/proc.go")
    assert binary.wait_reasons[1] == "GC assist marking"
    assert {"chan receive", "select", "sleep", "IO wait"} <= set(binary.wait_reasons)
    assert binary.allgs
    semacquire = named("runtime.semacquire1")
    assert semacquire
    assert len(binary.first_arg_home(semacquire, gopark)) == 1
    start = named("main.main")
    assert start
    files = {f.file for pc in range(start.entry, start.end, 4) for f in binary.symbolize(pc)}
    assert any(str(file).endswith(main) for file in files)
