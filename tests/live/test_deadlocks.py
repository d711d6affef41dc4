"""Deadlocks of real programs, and the same programs put right."""

from __future__ import annotations

import pytest

from live import troubles as recorded
from live.troubles import Troubles

pytestmark = [pytest.mark.live, pytest.mark.go]

# By mode of the program: kind of deadlock, functions of its members, how many wait behind them.
STUCK: dict[str, tuple[str, list[str], int]] = {
    "cycle": ("cycle", ["main.transfer"] * 2, 1),
    "cycle-of-three": ("cycle", ["main.transfer"] * 3, 0),
    "channels": ("cycle", ["main.pingPong"] * 2, 0),
    "stuck-holder": ("stuck holder", ["main.waitForAnswer"], 1),
    "gone": ("no holder", ["main.visit"], 0),
    "self": ("no holder", ["main.again"], 0),
    "upgrade": ("no holder", ["main.upgrade"], 0),
}


def test_all_that_is_recorded_is_looked_at() -> None:
    assert set(STUCK) == set(recorded.DEADLOCKS)


@pytest.mark.parametrize("mode", STUCK)
def test_a_deadlock_is_found(troubles: Troubles, mode: str) -> None:
    (deadlock,) = troubles.deadlocks(mode)
    assert (
        deadlock["kind"],
        [member["function"] for member in deadlock["members"]],
        len(deadlock["behind"]),
    ) == STUCK[mode]
    assert deadlock["verdict"] == "deadlock"
    assert "By a search of the memory" in deadlock["evidence"][-1]
    goids = [member["goid"] for member in deadlock["members"]]
    assert len({*goids, *deadlock["behind"]}) == len(goids) + len(deadlock["behind"])


@pytest.mark.parametrize("mode", recorded.RIGHT)
def test_put_right_there_is_none(troubles: Troubles, mode: str) -> None:
    assert troubles.deadlocks(mode) == []
