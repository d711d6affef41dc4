"""Imports go one way: the recorder knows nothing of the analyzer, nor analysis of eBPF."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGES = ("gtrace_rec", "gtrace_analyze")


def _modules(repo: Path) -> dict[str, Path]:
    return {
        ".".join(path.relative_to(repo).with_suffix("").parts).removesuffix(".__init__"): path
        for package in PACKAGES
        for path in (repo / package).rglob("*.py")
    }


def _imports(path: Path, modules: dict[str, Path]) -> set[str]:
    """The modules a file imports, whether at its top or later, by their full names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            assert node.module
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            inner = names & modules.keys()
            found |= inner
            if names - inner:
                found.add(node.module)
    return found


@pytest.fixture(scope="module")
def graph(repo: Path) -> dict[str, set[str]]:
    """Which module imports which, third parties' included."""
    modules = _modules(repo)
    assert {"gtrace_rec.schema", "gtrace_analyze.engine"} <= modules.keys()
    return {name: _imports(path, modules) for name, path in modules.items()}


def _of(graph: dict[str, set[str]], prefix: str) -> set[str]:
    """All that the modules below a package import from anywhere else."""
    inside = {n for n in graph if n == prefix or n.startswith(f"{prefix}.")}
    return set().union(*(graph[name] for name in inside)) - inside


def test_the_analyzer_takes_nothing_from_the_recorder_but_the_schema(
    graph: dict[str, set[str]],
) -> None:
    taken = {n for n in _of(graph, "gtrace_analyze") if n.split(".")[0] == "gtrace_rec"}
    # The package itself for the version; and what both command lines start with.
    assert taken == {"gtrace_rec", "gtrace_rec.schema", "gtrace_rec._nopandas"}


def test_the_recorder_knows_nothing_of_the_analyzer(graph: dict[str, set[str]]) -> None:
    assert not {n for n in _of(graph, "gtrace_rec") if n.split(".")[0] == "gtrace_analyze"}


def test_the_knowledge_of_go_stands_on_its_own(graph: dict[str, set[str]]) -> None:
    taken = {n for n in _of(graph, "gtrace_rec.goruntime") if n.split(".")[0] == "gtrace_rec"}
    assert taken <= {"gtrace_rec._errors", "gtrace_rec.schema"}


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_is_built_on_the_commands(graph: dict[str, set[str]], package: str) -> None:
    users = {
        name
        for name, imported in graph.items()
        if not name.startswith(f"{package}.commands")
        and any(i.startswith(f"{package}.commands") for i in imported)
    }
    assert users == {f"{package}.__main__"}


def test_bcc_is_imported_in_one_place(graph: dict[str, set[str]]) -> None:
    assert {n for n, imported in graph.items() if "bcc" in imported} == {"gtrace_rec.loader"}


def test_no_module_imports_itself_by_way_of_others(graph: dict[str, set[str]]) -> None:
    inner = {name: imported & graph.keys() for name, imported in graph.items()}
    for package in PACKAGES:  # which every module imports, by being inside
        inner[package] = set()
    try:
        TopologicalSorter(inner).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_the_analyzer_loads_where_bcc_and_root_are_absent(
    graph: dict[str, set[str]], repo: Path
) -> None:
    """Every module of it, in an interpreter that finds neither bcc nor most of the recorder."""
    names = sorted(n for n in graph if n.startswith("gtrace_analyze") and "__main__" not in n)
    program = (
        "import importlib, sys\n"
        "sys.modules['bcc'] = None\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "print(*sorted(n for n in sys.modules if n.startswith('gtrace_rec')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repo, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["gtrace_rec", "gtrace_rec._errors", "gtrace_rec.schema"]
