"""The figures of one workload: how much matched, and how near in time."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from conformance.matching import Match

# Per goroutine and state: the times agree if they differ by no more than the larger of these.
SHARE, PER_TRANSITION_NS = 0.01, 20_000

_CLOSURE = re.compile(r"\.(func)?\d+")
_NOT_THE_USERS = re.compile(r"^(runtime|_)\.|\.(deferwrap|gowrap)\d+$|-fm$")


@dataclass(frozen=True)
class Figures:
    """Counts, each with the number it is out of."""

    transitions: int  # of the witness
    matched: int
    invented: int
    wakes: int  # matched wake-ups and creations of which the witness says who did them
    wakers_equal: int
    wakers_added: int  # those of which only the recording says it
    stacks: int  # matched parks, wake-ups and creations of which both have a stack
    stacks_equal: int
    times: int  # goroutines × states
    times_agree: int
    times_agree_running: int  # the same less what the kernel had the thread off its processor


def figures(found: Match) -> Figures:
    """Count."""
    both = found.both
    wakes = both[(both.old_w == "Waiting") | (both.old_w == "NotExist")]
    woken = wakes[wakes.by_w != 0]
    stacks = compared_stacks(both)
    times = time_in_states(both)
    return Figures(
        transitions=len(both) + len(found.missed),
        matched=len(both),
        invented=len(found.invented),
        wakes=len(woken),
        wakers_equal=int((woken.by_w == woken.by_r).sum()),
        wakers_added=int(((wakes.by_w == 0) & (wakes.by_r != 0)).sum()),
        stacks=len(stacks),
        stacks_equal=int(stacks.equal.sum()),
        times=len(times),
        times_agree=int(times.agree.sum()),
        times_agree_running=int(times.agree_running.sum()),
    )


def total(of: Iterable[Figures]) -> Figures:
    """The sums of several."""
    return Figures(*map(sum, zip(*map(dataclasses.astuple, of), strict=True)))


def time_in_states(both: pd.DataFrame) -> pd.DataFrame:
    """One row for each goroutine and state that it was in from one transition to the next.

    Spans that begin or end at a time that is not the witness' own are left out.
    """
    frame = both.sort_values(["goid_w", "ts_w"], kind="stable")
    after = frame.groupby("goid_w").shift(-1)
    spans = pd.DataFrame(
        {
            "goid": frame.goid_w,
            "state": frame.new_w,
            "dur": after.ts_w - frame.ts_w,
            "apart": after.apart - frame.apart,
            "apart_running": after.apart_running - frame.apart_running,
        }
    )[after.ts_w.notna() & (after.moved_w == 0) & ~frame.moved_w]
    sums = spans.groupby(["goid", "state"]).agg(
        dur=("dur", "sum"),
        apart=("apart", "sum"),
        apart_running=("apart_running", "sum"),
        spans=("dur", "size"),
    )
    limit = np.maximum(SHARE * sums.dur, PER_TRANSITION_NS * sums.spans)
    sums["agree"] = sums.apart.abs() <= limit
    sums["agree_running"] = sums.apart_running.abs() <= limit
    return sums.reset_index()


def compared_stacks(both: pd.DataFrame) -> pd.DataFrame:
    """One row for each stack that both took, less the frames that only one of them shows."""
    parks = both[both.new_w == "Waiting"][["kind_r", "own_stack_w", "own_stack_r"]]
    wakes = both[both.new_w == "Runnable"][["kind_r", "by_stack_w", "by_stack_r"]]
    rows = pd.concat([frame.set_axis(["kind", "w", "r"], axis=1) for frame in (parks, wakes)])
    rows = rows[rows.r.notna() & (rows.w.str.len() > 0)]
    rows["w"], rows["r"] = rows.w.map(_users), rows.r.map(_users)
    rows["equal"] = [
        _ends_as(r, w) or _ends_as(r[:-1], w) for w, r in zip(rows.w, rows.r, strict=True)
    ]
    return rows


def _ends_as(stack: tuple[str, ...], outer: tuple[str, ...]) -> bool:
    return stack[len(stack) - len(outer) :] == outer


def _users(stack: tuple[str, ...]) -> tuple[str, ...]:
    """The stack without the runtime and without the wrappers that the compiler makes.

    The witness leaves out some of these, and counts some of the runtime's under other packages.
    """
    users = [f for f in stack if not _NOT_THE_USERS.search(f)]
    pairs = itertools.pairwise([*users, ""])
    return tuple(f for f, caller in pairs if not _is_wrapper(f, caller))


def _is_wrapper(function: str, caller: str) -> bool:
    """Before Go 1.22, wrappers of deferred calls are named as closures of their caller are."""
    return function.startswith(caller + ".") and bool(_CLOSURE.fullmatch(function[len(caller) :]))
