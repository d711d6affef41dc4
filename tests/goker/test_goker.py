"""Leaks found from outside against Go's own goroutine leak profile, on real concurrency bugs."""

from __future__ import annotations

import pytest

from goker import harness
from goker.harness import Outcome

pytestmark = [pytest.mark.live, pytest.mark.go, pytest.mark.slow]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    folder = tmp_path_factory.mktemp("goker")
    return harness.run_all(harness.build(folder), folder / "trace", harness.names())


def test_all_programs_ran(outcomes: list[Outcome]) -> None:
    assert len(outcomes) >= 60
    assert sum(len(o.leaked) for o in outcomes) > 3000


def test_what_the_profile_finds_is_found(outcomes: list[Outcome]) -> None:
    # A word left over on a stack may look like a reference; those are the only ones missed.
    unexplained = {o.name: o.missed - o.held for o in outcomes if o.missed - o.held}
    assert not unexplained
    missed, leaked = (sum(len(getattr(o, x)) for o in outcomes) for x in ("missed", "leaked"))
    assert missed <= 0.05 * leaked


def test_none_that_was_called_lost_ever_went_on(outcomes: list[Outcome]) -> None:
    assert {o.name: o.woken for o in outcomes if o.woken} == {}
