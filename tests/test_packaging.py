"""What is installed: one wheel with both programs, which start fast and need no checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from synth import Recording

COMMANDS = ["gtrace-rec", "gtrace-analyze"]
HEAVY = {"bcc", "duckdb", "elftools", "matplotlib", "numpy", "pandas", "pyarrow"}


@pytest.fixture(scope="session")
def wheel(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    tmp = tmp_path_factory.mktemp("wheel")
    source = tmp / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(repo / name, source)
    for package in ("bpf", "gtrace_rec", "gtrace_analyze"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(repo / package, source / package, symlinks=True, ignore=ignored)
    shutil.copytree(repo / "docs" / "man", source / "docs" / "man")
    pip = [sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "--wheel-dir", str(tmp)]
    subprocess.run([*pip, str(source)], check=True)
    (built,) = tmp.glob("gtrace-*.whl")
    return built


def test_man_pages_are_installed_where_man_looks(wheel: Path, repo: Path) -> None:
    names = {n for n in zipfile.ZipFile(wheel).namelist() if "/share/man/man1/" in n}
    pages = {p.name for p in (repo / "docs" / "man").iterdir()}
    assert {Path(n).name for n in names} == pages


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin directory of an environment with nothing but the wheel and what it depends on."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, with_pip=False, symlinks=True)
    (packages,) = home.glob("lib/python*/site-packages")
    # The dependencies are those that run this test, by path; gtrace itself comes from the wheel.
    mine = [p for p in sys.path if p.endswith(("site-packages", "dist-packages"))]
    (packages / "dependencies.pth").write_text("\n".join(mine) + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python")]
    subprocess.run([*pip, "install", "-qq", "--no-deps", str(wheel)], check=True)
    return home / "bin"


def _run(command: list[str | Path], cwd: Path) -> str:
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_all_that_is_read_at_run_time(wheel: Path, repo: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {"gtrace_rec/py.typed", "gtrace_analyze/py.typed"}
    for package in ("gtrace_rec", "gtrace_analyze"):
        for suffix in ("py", "sql", "json", "html", "css", "js"):
            found = (repo / package).rglob(f"*.{suffix}")
            wanted |= {str(p.relative_to(repo)) for p in found}
    bpf = [p for p in (repo / "bpf").rglob("*") if p.is_file()]
    wanted |= {f"gtrace_rec/bpf/{p.relative_to(repo / 'bpf')}" for p in bpf}
    assert any(n.endswith(".sql") for n in wanted)
    assert any(n.endswith(".bpf.c") for n in wanted)
    assert wanted - names == set()
    unexpected = {
        n for n in names if not n.startswith(("gtrace_rec/", "gtrace_analyze/", "gtrace-"))
    }
    assert unexpected == set()


def test_the_installed_package_opens_its_resources(installed: Path, tmp_path: Path) -> None:
    program = (
        "from importlib.resources import files; import gtrace_rec, gtrace_analyze\n"
        "print(gtrace_rec.__file__)\n"
        "print((files('gtrace_rec') / 'bpf' / 'gtrace.bpf.c').read_text())\n"
        "print([p.name for p in (files('gtrace_analyze') / 'sql').iterdir()])\n"
    )
    said = _run([installed / "python", "-c", program], tmp_path)
    assert said.startswith(str(installed.parent))
    assert "The BPF programs of gtrace" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_the_installed_command_runs_anywhere(installed: Path, tmp_path: Path, command: str) -> None:
    assert f"Usage: {command}" in _run([installed / command, "--help"], tmp_path)
    assert re.search(r"\d+\.\d+\.\d+", _run([installed / command, "--version"], tmp_path))


@pytest.mark.parametrize("command", COMMANDS)
def test_help_imports_nothing_heavy(installed: Path, tmp_path: Path, command: str) -> None:
    """What keeps --help fast. The imports are looked at, since a time depends on the day."""
    program = f"{installed / command}"
    script = (
        "import atexit, runpy, sys\n"
        f"atexit.register(lambda: print('imported:', sorted({HEAVY!r} & set(sys.modules))))\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    subcommands = _subcommands(_run([installed / command, "--help"], tmp_path))
    assert subcommands
    for arguments in [["--help"], *([name, "--help"] for name in subcommands)]:
        said = _run([installed / "python", "-c", script, program, *arguments], tmp_path)
        assert said.splitlines()[-1] == "imported: []", f"{command} {' '.join(arguments)}"


def test_a_command_does_without_pandas(installed: Path, tmp_path: Path) -> None:
    """Which pyarrow would load by the way, and take longer than the command itself."""
    b = Recording()
    b.go(7, ts=1).run(2).park(3, "select", ["main.f main.go:1"])
    trace = b.write(tmp_path / "trace")
    program = [installed / "python", "-X", "importtime", installed / "gtrace-analyze"]
    done = subprocess.run([*program, "leaks", trace], capture_output=True, text=True)
    loaded = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert "pyarrow.lib" in loaded
    assert "pandas.core" not in loaded  # pandas itself is there, since it was tried


def _subcommands(text: str) -> list[str]:
    listed = text.partition("Commands:\n")[2]
    return re.findall(r"^  ([a-z][a-z-]*)  ", listed, flags=re.MULTILINE)
