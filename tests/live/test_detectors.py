"""Every detector of leaks on a real program that has what it looks for, and on the same program put
right."""

from __future__ import annotations

import pytest

from live import troubles as recorded
from live.troubles import SECONDS, Troubles

pytestmark = [pytest.mark.live, pytest.mark.go]

# By mode: what is found, as verdict, count (0: some), function, and words of the evidence.
LEAKING = {
    "nil-channel": ("leak", 1, "main.receiveFrom", "a receive from a nil channel never returns"),
    "empty-select": ("leak", 1, "main.selectNothing", "a select without cases never returns"),
    "lost-channel": ("leak", 1, "main.receiveFrom", "By a search of the memory"),
    "lost-group": ("leak", 1, "main.waitForOthers", "by a search of the memory"),
    "lost-condition": ("leak", 1, "main.waitForChange", "by a search of the memory"),
    "abandoned-pool": ("leak", 20, "main.serve", "by a search of the memory"),
    "piling-up": ("leak", 0, "main.follow", "none was ever woken"),
    "pollers": ("suspect", 0, "main.poll", "made, 0 ended"),
    "lock": ("leak", 3, "main.post", 'in "chan receive"'),
}
# What is there, and idle, once a program is put right.
IDLE = {
    "healed-abandoned-pool": {"main.serve"},
    "idlers": {"net.(*netFD).accept", "main.lose.func3", "main.lose.func4", "main.nap"},
}


def test_all_that_is_recorded_is_looked_at() -> None:
    assert set(LEAKING) == set(recorded.LEAKS)


@pytest.mark.parametrize("mode", LEAKING)
def test_put_in_it_is_found(troubles: Troubles, mode: str) -> None:
    verdict, count, function, words = LEAKING[mode]
    groups = {g["function"]: g for g in troubles.leaks(mode) if g["verdict"] != "idle"}
    group = groups[function]
    assert group["verdict"] == verdict
    assert group["count"] == count or (not count and group["count"] > 5 * SECONDS)
    assert words.lower() in " ".join(group["evidence"]).lower()
    assert set(groups) == {function}


@pytest.mark.parametrize("mode", LEAKING)
def test_taken_away_nothing_is_said(troubles: Troubles, mode: str) -> None:
    assert [g for g in troubles.leaks(f"healed-{mode}") if g["verdict"] != "idle"] == []


def test_what_only_looks_like_a_leak_is_idle(troubles: Troubles) -> None:
    for mode, functions in IDLE.items():
        groups = troubles.leaks(mode)
        assert functions <= {g["function"] for g in groups}, mode
        assert {g["verdict"] for g in groups} == {"idle"}
        assert all(g["evidence"] for g in groups)
