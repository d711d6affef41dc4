"""All programs, as they are and put right, in one recording."""

from __future__ import annotations

import pytest

from goker import harness
from goker.fixes import FIXES
from goker.harness import Outcome


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Outcome], list[Outcome]]:
    """The programs as they are, and those that were put right."""
    folder = tmp_path_factory.mktemp("goker")
    broken, fixed = harness.build(folder / "broken"), harness.build(folder / "fixed", FIXES)
    names = harness.names()
    chosen = [(broken, name) for name in names] + [(fixed, name) for name in FIXES]
    outcomes = harness.run_all(folder / "trace", chosen)
    return outcomes[: len(names)], outcomes[len(names) :]


@pytest.fixture(scope="module")
def outcomes(both: tuple[list[Outcome], list[Outcome]]) -> list[Outcome]:
    """Of the programs as they are."""
    return both[0]


@pytest.fixture(scope="module")
def fixed(both: tuple[list[Outcome], list[Outcome]]) -> dict[str, Outcome]:
    """Of those that were put right, by name."""
    return {outcome.name: outcome for outcome in both[1]}
