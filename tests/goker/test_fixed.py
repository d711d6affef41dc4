"""The same programs once they were put right: nothing is said against them."""

from __future__ import annotations

import pytest

from goker import harness
from goker.fixes import FIXES
from goker.harness import Outcome

pytestmark = [pytest.mark.live, pytest.mark.go, pytest.mark.slow]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    folder = tmp_path_factory.mktemp("fixed")
    binary = harness.build(folder, FIXES)
    return {o.name: o for o in harness.run_all(binary, folder / "trace", list(FIXES))}


@pytest.mark.parametrize("name", FIXES)
def test_nothing_is_reported(outcomes: dict[str, Outcome], name: str) -> None:
    outcome = outcomes[name]
    assert outcome.alive  # it printed its profile
    assert outcome.leaked == set()
    assert outcome.found | outcome.suspected == set()
