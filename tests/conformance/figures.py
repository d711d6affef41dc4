"""The figures of one workload: how much matched, and how near in time."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from conformance.matching import Match

# Per goroutine and state: the times agree if they differ by no more than the larger of these.
SHARE, PER_TRANSITION_NS = 0.01, 20_000

# What lies between the two notes of the transition that the times differ by.
APART = {
    "kernel": "the kernel ran something else on the thread's processor, by its tracepoints",
    "kernel and more": "the same, and for some µs more than its tracepoints tell: the way there "
    "and back, or as below",
    "unseen": "the thread stood still, and neither its kernel nor either observer knows of "
    "anything else that went on: the host had the processor",
    "program": "the program did something else that was noted",
}

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

    Spans that begin or end at a time that is not the witness' own are left out. `worst` is the row
    of `both` at either end of one of the spans where the two are farthest apart, less what the
    kernel had the thread off its processor.
    """
    frame = both.sort_values(["goid_w", "ts_w"], kind="stable")
    after = frame.groupby("goid_w").shift(-1)
    ends_worse = after.apart_running.abs() > frame.apart_running.abs()
    spans = pd.DataFrame(
        {
            "goid": frame.goid_w,
            "state": frame.new_w,
            "worst": frame.index.to_series().shift(-1).where(ends_worse, frame.index.to_series()),
            "worst_apart": np.maximum(after.apart_running.abs(), frame.apart_running.abs()),
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
    worst = spans.loc[spans.groupby(["goid", "state"]).worst_apart.idxmax()]
    sums["worst"] = worst.set_index(["goid", "state"]).worst.astype("int64")
    sums["agree"] = sums.apart.abs() <= limit
    sums["agree_running"] = sums.apart_running.abs() <= limit
    return sums.reset_index()


def why_apart(both: pd.DataFrame) -> pd.Series:
    """Why times in a state do not agree: one of APART for each such row of time_in_states.

    By the transition at which the two are farthest apart, and what the kernel and either observer
    know of its thread between the two notes.
    """
    times = time_in_states(both)
    rest = times[~times.agree]
    by_thread = {tid: np.sort(ts.to_numpy()) for tid, ts in _notes(both).groupby("tid").ts}

    def reason(row: Any) -> str:
        if row.agree_running:
            return "kernel"
        worst = both.loc[row.worst]
        if abs(worst.apart) - abs(worst.apart_running) > 0:
            return "kernel and more"
        first, last = sorted((worst.ts_w, worst.ts_r))
        notes = by_thread[worst.tid_r]
        between = np.searchsorted(notes, last) - np.searchsorted(notes, first, side="right")
        return "program" if between else "unseen"

    return pd.Series([reason(row) for row in rest.itertuples()], rest.index, dtype=object)


def _notes(both: pd.DataFrame) -> pd.DataFrame:
    """All moments that either observer noted, with the thread."""
    ts = pd.concat([both.ts_w, both.ts_r], ignore_index=True)
    return pd.DataFrame({"tid": pd.concat([both.tid_r] * 2, ignore_index=True), "ts": ts})


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
