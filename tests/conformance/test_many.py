"""The same with two programs recorded at once, and with a hundred thousand goroutines."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import toolchains
from conformance.figures import figures
from conformance.matching import Match, match
from conformance.observe import CROWD, observe, observe_both

LONG = os.environ.get("GTRACE_CONFORMANCE") == "long"

pytestmark = [pytest.mark.live, pytest.mark.go, pytest.mark.slow]


def test_two_programs_in_one_recording(tmp_path: Path) -> None:
    """Of different Go versions: each has probes, offsets and goroutines of its own."""
    names = ["channels", "locks", "timers"] if LONG else ["channels", "timers"]
    for seen in observe_both(("1.24.11", toolchains.NEWEST), names, tmp_path, plan="full"):
        for name in names:
            _assert_equal(match(seen, name), at_least=2000)


if LONG:

    def test_a_crowd(tmp_path: Path) -> None:
        seen = observe(toolchains.NEWEST, ["crowd"], tmp_path, plan="full")
        _assert_equal(match(seen, "crowd"), at_least=5 * CROWD)


def _assert_equal(found: Match, at_least: int) -> None:
    counts = figures(found)
    assert counts.transitions >= at_least, counts
    assert counts.matched >= 0.999 * counts.transitions, found.missed
    assert counts.invented == 0, found.invented
    assert counts.wakers_equal >= 0.999 * counts.wakes, counts
    assert counts.wakers_added == 0, counts
    assert counts.stacks_equal >= 0.999 * counts.stacks, counts
