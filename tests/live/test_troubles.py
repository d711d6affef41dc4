"""Real programs that leak or lock up, and the same put right: all in one recording.

Every detector of leaks has a program with what it looks for, and every kind of deadlock has one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from live import troubles as recorded
from live.troubles import SECONDS, Troubles, record_troubles

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
    "callers": ("suspect", 0, "main.call", "are in system calls"),
    "clients": ("suspect", 0, "main.follow", "as many as there are clients"),
    "streams": ("suspect", 0, "main.subscribe", "or to a stream of HTTP/2"),
    "lock": ("leak", 3, "main.post", 'in "chan receive"'),
}
# What is there, and idle, once a program is put right.
IDLE = {
    "healed-abandoned-pool": {"main.serve"},
    "idlers": {"net.(*netFD).accept", "main.lose.func4", "main.lose.func5", "main.nap"},
}
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


@pytest.fixture(scope="module")
def troubles(tmp_path_factory: pytest.TempPathFactory, go_binary: Callable[..., Path]) -> Troubles:
    """All programs that leak or lock up, and the same put right."""
    return record_troubles(tmp_path_factory.mktemp("troubles") / "trace", go_binary)


def test_all_that_leak_are_looked_at() -> None:
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


def test_all_that_lock_up_are_looked_at() -> None:
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
