"""The same programs once they were put right: nothing is said against them."""

from __future__ import annotations

import pytest

from goker.fixes import FIXES
from goker.harness import Outcome

pytestmark = [pytest.mark.live, pytest.mark.go, pytest.mark.slow]


@pytest.mark.parametrize("name", FIXES)
def test_nothing_is_reported(fixed: dict[str, Outcome], name: str) -> None:
    outcome = fixed[name]
    assert outcome.alive  # it printed its profile
    assert outcome.leaked == outcome.later == {}
    assert outcome.groups == []
