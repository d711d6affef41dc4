"""Every detector of leaks on a real program that has what it looks for, and on the same program put
right; all recorded at once."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from live.recording import analyze, record, running, said

pytestmark = [pytest.mark.live, pytest.mark.go]

SECONDS = 8

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


@pytest.fixture(scope="module")
def found(
    tmp_path_factory: pytest.TempPathFactory, go_binary: Callable[..., Any]
) -> dict[str, list[dict[str, Any]]]:
    """The groups of each mode, idle ones too."""
    out = tmp_path_factory.mktemp("detectors") / "trace"
    binary = go_binary("leaks.go", mode="stripped")
    modes = [*LEAKING, *(f"healed-{mode}" for mode in LEAKING), "idlers"]
    with contextlib.ExitStack() as stack:
        programs = {mode: stack.enter_context(running([binary, mode])) for mode in modes}
        for program in programs.values():
            said(program.stdout, "^ready")
        pids = [option for p in programs.values() for option in ("--pid", str(p.pid))]
        done = record(out, *pids, "--duration", f"{SECONDS}s", timeout=120)
        assert done.returncode == 0, done.stderr
    listed = analyze("leaks", "--all", "--json", out)
    assert listed.returncode == 0, listed.stderr
    groups = json.loads(listed.stdout)
    return {mode: [g for g in groups if g["pid"] == p.pid] for mode, p in programs.items()}


@pytest.mark.parametrize("mode", LEAKING)
def test_put_in_it_is_found(found: dict[str, list[dict[str, Any]]], mode: str) -> None:
    verdict, count, function, words = LEAKING[mode]
    groups = {g["function"]: g for g in found[mode] if g["verdict"] != "idle"}
    group = groups[function]
    assert group["verdict"] == verdict
    assert group["count"] == count or (not count and group["count"] > 5 * SECONDS)
    assert words.lower() in " ".join(group["evidence"]).lower()
    assert set(groups) == {function}


@pytest.mark.parametrize("mode", LEAKING)
def test_taken_away_nothing_is_said(found: dict[str, list[dict[str, Any]]], mode: str) -> None:
    assert [g for g in found[f"healed-{mode}"] if g["verdict"] != "idle"] == []


def test_what_only_looks_like_a_leak_is_idle(found: dict[str, list[dict[str, Any]]]) -> None:
    for mode, functions in IDLE.items():
        assert functions <= {g["function"] for g in found[mode]}, mode
        assert {g["verdict"] for g in found[mode]} == {"idle"}
        assert all(g["evidence"] for g in found[mode])
