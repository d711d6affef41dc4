"""What is recorded is what Go's own execution tracer says happened: event for event.

By default one recording of every Go version, and of every plan with the newest, of the lesser plans
what they tell apart; with GTRACE_CONFORMANCE=long five times the work, and all of every plan with
every version.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import toolchains
from conformance.figures import Figures, figures, total
from conformance.matching import match
from conformance.observe import CGO, CGO_SINCE, Observation, observe, workloads

pytestmark = [pytest.mark.live, pytest.mark.go, pytest.mark.slow]

LONG = os.environ.get("GTRACE_CONFORMANCE") == "long"
RUNS = [
    (version, plan)
    for version in toolchains.TOOLCHAINS
    for plan in ("full", "sched", "park", "lifecycle")
    if plan == "full" or version == toolchains.NEWEST or LONG
]

_TELL_OF_C = [v for v in toolchains.TOOLCHAINS if int(v.split(".")[1]) >= CGO_SINCE]
CGO_RUNS = [
    (version, plan)
    for version in (_TELL_OF_C if LONG else (_TELL_OF_C[0], toolchains.NEWEST))
    for plan in ("full", "sched", "park", "lifecycle")
    if plan == "full" or (plan == "sched" and version == toolchains.NEWEST) or LONG
]

# Plans park and lifecycle are the others' probes less some.
_FEW = ["channels", "churn", "timers", "coroutines"]

ENOUGH = 0.999
# On a virtual machine that others share, a program that does nothing but read the clock is held up
# for more than 20 µs a hundred times a second, unseen by its kernel. Those goroutines that lived
# for two transitions only and met that are the rest.
ENOUGH_TIMES = 0.95
ENOUGH_OF_FEW = 0.9  # goroutines and states

# A workload that did not do its work would match all the same.
_FEWEST = {
    ("full", "channels"): 8000,
    ("full", "syscalls"): 5000,
    ("sched", "timers"): 2000,
    ("full", "coroutines"): 4000,
    ("full", CGO): 1800,
}


@pytest.mark.parametrize(("version", "plan"), RUNS)
def test_recording_is_what_go_says(version: str, plan: str, tmp_path: Path) -> None:
    names = _FEW if plan in ("park", "lifecycle") and not LONG else workloads(version)
    _assert_same(version, plan, names, tmp_path, ENOUGH_TIMES)


@pytest.mark.parametrize(("version", "plan"), CGO_RUNS)
def test_so_it_is_of_threads_of_c(version: str, plan: str, tmp_path: Path) -> None:
    """They call Go, which lends each a goroutine; Go calls C, which calls Go."""
    _assert_same(version, plan, [CGO], tmp_path, ENOUGH_OF_FEW)


def _assert_same(
    version: str, plan: str, names: list[str], tmp_path: Path, enough_times: float
) -> None:
    seen = observe(version, names, tmp_path, plan=plan, scale=5 if LONG else 1)
    found = {name: match(seen, name) for name in names}
    counts = {name: figures(one) for name, one in found.items()}
    wrong = {name: why for name, one in counts.items() if (why := _wrong(seen, name, one))}
    assert not wrong, "\n".join(f"{n}: {wrong[n]}: {counts[n]}\n{found[n]}" for n in wrong)
    times = total(counts.values())
    assert times.times_agree_running >= enough_times * times.times, counts
    _assert_one_clock(seen, int(version.split(".")[1]))


def _wrong(seen: Observation, workload: str, counts: Figures) -> str | None:
    """What of a workload is not as it should be."""
    # Before Go 1.22 the witness itself cannot always tell how a system call ended.
    may_be_invented = 0 if seen.witness.monotonic else 0.001 * counts.transitions
    # In a bubble the end of the last goroutine wakes another: the witness has it dead by then.
    may_be_added = counts.wakes if workload == "bubbles" else 0
    conditions = {
        "little was done": counts.transitions >= _FEWEST.get((seen.plan, workload), 10),
        "missed": counts.matched >= ENOUGH * counts.transitions,
        "invented": counts.invented <= may_be_invented,
        "another waker": counts.wakers_equal >= ENOUGH * counts.wakes,
        "a waker where there is none": counts.wakers_added <= may_be_added,
        "another stack": counts.stacks_equal >= ENOUGH * counts.stacks,
    }
    return ", ".join(name for name, holds in conditions.items() if not holds) or None


def _assert_one_clock(seen: Observation, minor: int) -> None:
    """Go 1.25 and later note in the trace how far its clock is from the one that is recorded."""
    assert bool(seen.witness.clock_distance) == (minor >= 25)
    assert all(abs(ns) < 1000 for ns in seen.witness.clock_distance)
