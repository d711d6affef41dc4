"""The notebooks, executed, and the recordings they are about."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

import gtrace_analyze as ga
from tools import run_notebooks

NAMES = [path.stem for path in run_notebooks.NOTEBOOKS]
# What a reader of the stored outputs must find in them: answers that the shop's load decides.
ANSWERS = {
    "01_first_look": ["nothing lost, nothing uncertain", "1,391 created"],
    "02_find_the_leak": ["31 × ", "23 × ", "17 × ", "main.awaitPrice", "No leaks found."],
    "03_where_time_waits": ["main.(*printer).print", "main.newPrinter.gowrap1"],
    "04_compare_two_recordings": ["growth/s", "main.(*shop).watch", "changed", "healthy"],
}


def _outputs(notebook: nbformat.NotebookNode) -> list[list[set[str]]]:
    """By cell and output: in which forms it is there."""
    return [
        [set(out.get("data", {out.output_type: ""})) for out in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def _text(notebook: nbformat.NotebookNode) -> str:
    return "\n".join(
        str(form)
        for cell in notebook.cells
        for out in cell.get("outputs", [])
        for kind, form in out.get("data", {}).items()
        if kind.startswith("text/")
    )


def test_they_are_all_there() -> None:
    assert set(NAMES) == set(ANSWERS)


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_and_shows_what_is_stored(repo: Path, name: str) -> None:
    path = repo / "notebooks" / f"{name}.ipynb"
    stored, fresh = nbformat.read(path, as_version=4), run_notebooks.run(path)
    nbformat.validate(fresh)
    assert _outputs(fresh) == _outputs(stored), f"python -m tools.run_notebooks notebooks/{name}"
    for notebook in (fresh, stored):
        for answer in ANSWERS[name]:
            assert answer in _text(notebook)


@pytest.mark.parametrize("name", NAMES)
def test_its_links_lead_somewhere(repo: Path, name: str) -> None:
    path = repo / "notebooks" / f"{name}.ipynb"
    text = "\n".join(
        cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type != "code"
    )
    links = re.findall(r"\]\(([^)#]+)", text)
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("leaky", {"main.followStock": 31, "main.awaitPrice": 23, "main.(*ledger).post": 17}),
        ("healthy", {}),
    ],
)
def test_the_recordings_are_whole(repo: Path, name: str, counts: dict[str, int]) -> None:
    path = repo / "notebooks" / f"{name}.parquet"
    assert sum(file.stat().st_size for file in path.rglob("*")) < 300_000
    with ga.open(path) as trace:
        assert trace.summary().notes == []
        leaks = trace.leaks()
        assert dict(zip(leaks["function"], leaks["count"], strict=True)) == counts
