"""The test suite's own ground: toolchains, builds and the rule about live tests."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import toolchains
from live_support import obstacle

pytestmark = pytest.mark.go

HELLO = 'package main\n\nfunc main() { println("hello") }\n'


def test_the_newest_toolchain_is_the_version_it_is_called() -> None:
    go = toolchains.toolchain(toolchains.NEWEST)
    said = subprocess.run([go, "version"], capture_output=True, text=True, check=True).stdout
    assert f"go{toolchains.NEWEST} linux/" in said


def test_unknown_version_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"Go 1\.99: not one of"):
        toolchains.toolchain("1.99")


@pytest.mark.parametrize("mode", ["plain", "pie-stripped"])
def test_a_build_is_made_once_and_runs(tmp_path: Path, mode: str) -> None:
    source = tmp_path / "hello.go"
    source.write_text(HELLO)
    with ThreadPoolExecutor() as pool:
        built = set(pool.map(lambda _: toolchains.build(toolchains.NEWEST, source, mode), range(4)))
    (binary,) = built
    ran = subprocess.run([binary], capture_output=True, text=True, check=True)
    assert ran.stderr == "hello\n"
    source.write_text(HELLO.replace("hello", "changed"))
    assert toolchains.build(toolchains.NEWEST, source, mode) != binary


def test_a_build_that_fails_shows_what_the_compiler_said(tmp_path: Path) -> None:
    source = tmp_path / "broken.go"
    source.write_text("package main\n\nfunc main() { undefined() }\n")
    with pytest.raises(RuntimeError, match="undefined: undefined"):
        toolchains.build(toolchains.NEWEST, source)


def _run_skipped_live_test(tmp_path: Path, *options: str) -> str:
    here = Path(__file__).parent
    (tmp_path / "conftest.py").write_text((here / "conftest.py").read_text())
    (tmp_path / "test_it.py").write_text(
        "import pytest\n\n@pytest.mark.live\ndef test_it():\n    pytest.skip('too lazy')\n"
    )
    env = {**os.environ, "PYTHONPATH": str(here)}
    env.pop("CI", None)
    config = ["-c", str(here.parent / "pyproject.toml"), f"--rootdir={tmp_path}", "-p", "no:xdist"]
    command = [sys.executable, "-m", "pytest", "-o", "addopts=", *config, *options, str(tmp_path)]
    return subprocess.run(command, env=env, capture_output=True, text=True, cwd=tmp_path).stdout


def test_a_skipped_live_test_fails_where_the_kernel_could_run_it(tmp_path: Path) -> None:
    found = obstacle()
    if found and not found.setup:
        pytest.skip(found.reason)
    assert "1 skipped" in _run_skipped_live_test(tmp_path)
    said = _run_skipped_live_test(tmp_path, "--require-live")
    assert "this kernel can run live tests" in said
    assert "1 failed" in said or "1 error" in said
