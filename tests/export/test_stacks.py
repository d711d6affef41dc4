"""Folded stacks and speedscope's files."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import toolchains
from export.scene import LIVES, US, scene, written
from gtrace_analyze._errors import UsageError
from gtrace_analyze.engine import Engine
from gtrace_analyze.export import folded, speedscope
from live.recording import analyze

Analyzed = Callable[..., Engine]
_SPEEDSCOPE = "speedscope@1.25.0"
_WORK = "main.main.gowrap1;main.work"


def lines(text: bytes) -> dict[str, int]:
    """Read as flamegraph.pl does: all but the last word of a line is the stack."""
    matches = (re.fullmatch(r"(.+) (\d+)", line) for line in text.decode().splitlines())
    return {m[1]: int(m[2]) for m in matches if m}


def test_folded_times(analyzed: Analyzed) -> None:
    assert lines(written(folded.write, analyzed(scene()))) == {
        f"{_WORK};main.next;runtime.chanrecv1;runtime.gopark": 100 * US,
        f"{_WORK};time.Sleep;runtime.gopark": 100 * US,
        "main.work.gowrap1;main.pay;sync.(*Mutex).Lock;runtime.gopark": 9675 * US,
    }


def test_folded_counts(analyzed: Analyzed) -> None:
    engine = analyzed(scene())
    assert lines(written(folded.write, engine, measure="created")) == {
        "main.main.gowrap1;main.work;runtime.newproc;runtime.newproc1": 1,
        "main.main.gowrap1": 1,  # its creator's stack was not taken
    }
    assert sum(lines(written(folded.write, engine, measure="parks")).values()) == 3


def test_names_with_semicolons_stay_one_frame(analyzed: Analyzed) -> None:
    b = scene()
    generic = "main.F[go.shape.struct { A int; B int }] m.go:3"
    b.go(9, ts=0, start="main.f m.go:1").run(1).park(2, "select", [generic])
    stacks = lines(written(folded.write, analyzed(b)))
    assert "main.F[go.shape.struct { A int, B int }];runtime.gopark" in stacks


def test_measures_that_are_not_there(analyzed: Analyzed) -> None:
    with pytest.raises(
        UsageError, match="'cpu' is not known with plan park; there are parks, park"
    ):
        written(folded.write, analyzed(scene("park")), measure="cpu")
    with pytest.raises(UsageError, match="'speed' is no measure; there are parks, park, latency"):
        written(folded.write, analyzed(scene()), measure="speed")
    with pytest.raises(UsageError, match="no leak in the selection"):
        written(folded.write, analyzed(scene()), measure="leak")


@pytest.fixture(scope="session")
def schema() -> Any:
    """The schema that speedscope's own package ships, by npm."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not there to fetch speedscope's schema; apt-get install npm")
    home = toolchains.cache_dir() / "npm"
    package = home / f"{_SPEEDSCOPE.replace('@', '-')}.tgz"
    if not package.exists():
        home.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", "--silent", _SPEEDSCOPE], cwd=home, check=True, timeout=120)
    with tarfile.open(package) as archive:
        file = archive.extractfile("package/dist/release/file-format-schema.json")
        assert file is not None
        return json.load(file)


def test_speedscope_file(analyzed: Analyzed, schema: Any) -> None:
    document = json.loads(written(speedscope.write, analyzed(scene())))
    jsonschema.validate(document, schema)
    frames = document["shared"]["frames"]
    profiles = {profile["name"]: profile for profile in document["profiles"]}
    assert list(profiles) == ["parks", "park", "latency", "cpu", "created", "goroutine"]
    assert document["profiles"][document["activeProfileIndex"]]["name"] == "park"
    park = profiles["park"]
    assert park["unit"] == "nanoseconds"
    assert park["endValue"] == sum(park["weights"]) == 9875 * US
    names = [[frames[i]["name"] for i in sample] for sample in park["samples"]]
    assert [*_WORK.split(";"), "time.Sleep", "runtime.gopark"] in names
    assert {"name": "main.next", "file": "main.go", "line": 31} in frames


@pytest.mark.live
@pytest.mark.go
def test_of_a_real_program(lives: Path, tmp_path: Path, schema: Any) -> None:
    done = analyze("export", "folded", lives, "--measure", "parks")
    assert done.returncode == 0, done.stderr
    parks: dict[str, int] = {}
    for stack, count in lines(done.stdout.encode()).items():
        if (root := stack.split(";")[0]).startswith("main."):
            parks[root] = parks.get(root, 0) + count
    assert parks == {
        f"main.{name.removesuffix('s')}": number
        for name, number in LIVES.items()
        if name != "passers"
    }
    file = tmp_path / "lives.speedscope.json"
    assert analyze("export", "speedscope", lives, "-o", file).returncode == 0
    document = json.loads(file.read_text())
    jsonschema.validate(document, schema)
    created = next(p for p in document["profiles"] if p["name"] == "created")
    assert created["endValue"] >= sum(LIVES.values())
