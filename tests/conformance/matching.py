"""Hold what was recorded against what the witness saw: one to one, in order, by goroutine."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from conformance.observe import Observation
from conformance.recorded import ACTIVE
from conformance.witness import TICK

# What a plan cannot tell apart.
_SEEN_AS = {
    "sched": {"Syscall": "Running"},
    "park": dict.fromkeys(("Runnable", "Running", "Syscall"), ACTIVE),
    "lifecycle": dict.fromkeys(("Runnable", "Running", "Syscall", "Waiting"), ACTIVE),
}
_LAST_P = (
    999_999  # above is what traces before Go 1.22 have in system calls, where all P look alike
)
_AT_ONCE = 2_000  # ns: there, less than the two probes take that are passed when it has to queue
_EDGE = 20_000_000  # ns
_SWITCH = 2  # ns from the first to the last of the three


@dataclass(frozen=True)
class Match:
    """`both` has the columns of each side with the suffixes _w (witness) and _r (recorded).

    Its `apart` is how much later than the witness it was recorded, ns, and `apart_running` the same
    less what the kernel had the thread off its processor between the two.
    """

    both: pd.DataFrame
    missed: pd.DataFrame  # the witness' alone
    invented: pd.DataFrame  # recorded alone


def match(seen: Observation, workload: str) -> Match:
    """Pair the transitions of each goroutine in their order."""
    begin, end = seen.witness.windows[workload]
    known = seen.witness.transitions.ts
    # What happens at an end of the window, the two may note at either side of it.
    wider = (max(begin - _EDGE, known.min()), min(end + _EDGE, known.max()))
    witness = _within(
        as_recorded(seen.witness.transitions, seen.plan, monotonic=seen.witness.monotonic), wider
    )
    recorded = _within(as_witnessed(seen.recorded), wider)
    w_rows, r_rows = _pairs(witness, recorded)
    both = pd.concat(
        [
            witness.iloc[w_rows].reset_index(drop=True).add_suffix("_w"),
            recorded.iloc[r_rows].reset_index(drop=True).add_suffix("_r"),
        ],
        axis=1,
    )
    both = both[both.ts_w.between(begin, end)].reset_index(drop=True)
    both["apart"] = both.ts_r - both.ts_w
    both["apart_running"] = both.apart - _off(seen, both)
    return Match(
        both,
        _within(witness.drop(witness.index[w_rows]), (begin, end)),
        _within(recorded.drop(recorded.index[r_rows]), (begin, end)),
    )


def as_recorded(witness: pd.DataFrame, plan: str, *, monotonic: bool) -> pd.DataFrame:
    """The witness' transitions as a recording of `plan` can have them.

    A coroutine's switch is one event, which the parser tells as three, a nanosecond apart: the
    other becomes runnable, this one waits or ends, the other runs. The first and the last are of
    one goroutine, which goes straight from waiting to running (internal/trace/order.go, GoSwitch).

    An exitsyscall that lost its P and found another at once writes two events, to runnable and to
    running, though the status goes straight to running (proc.go, exitsyscall: "Trace that we're
    starting again"). It has that P by then, which one that must queue (exitsyscallNoP) has not.
    Traces before Go 1.22 do not show that: there, no time passes between the two.

    The timers of a synctest bubble are run by its root, which puts itself aside for that
    (synctest.go, synctestRun): the tracer names the root all the same, but has no stack of it.

    `moved` are those whose time is not what the tracer noted: its parser moves events that come too
    early for their order, each to a nanosecond after the one before.
    """
    frame = witness.sort_values(["goid", "ts"], kind="stable")
    label = frame.old + frame.new
    switched = (label == "WaitingRunnable") & (frame.ts.shift(-1) - frame.ts == _SWITCH)
    coroutines = frame.goid[label == "NotExistWaiting"].unique()
    switched &= frame.goid.isin(coroutines) | frame.by.isin(coroutines)
    at_once = frame.proc.between(0, _LAST_P)
    at_once |= (frame.proc > _LAST_P) & (frame.ts.shift(-1) - frame.ts < _AT_ONCE)
    regained = (label == "SyscallRunnable") & at_once
    roots = frame.goid[frame.reason == "synctest"].unique()
    of_a_switch = switched | frame.ts.isin(frame.ts[switched] + 1)
    frame["moved"] = (frame.ts % TICK != 0) & monotonic & ~of_a_switch
    aside = (label == "WaitingRunnable") & frame.by.isin(roots) & (frame.by_stack == ())
    frame.loc[aside, "by"] = 0
    frame.loc[switched | regained, "new"] = "Running"
    frame = frame[~(switched | regained).shift(1, fill_value=False)]
    frame[["old", "new"]] = frame[["old", "new"]].replace(_SEEN_AS.get(plan, {}))
    # What it says at the start and once a second of goroutines that it knows is no transition.
    return frame[(frame.old != "Undetermined") & (frame.old != frame.new)].sort_index()


def as_witnessed(recorded: pd.DataFrame) -> pd.DataFrame:
    """What was recorded as the witness tells it.

    Since Go 1.26 a goroutine that comes back from a system call and finds no P is running for a
    moment, by its status, which the witness does not show.
    """
    frame = recorded.sort_values(["goid", "ts"], kind="stable")
    lost = frame.kind == "syscall_lost_p"
    back = (frame.kind == "syscall_exit") & lost.shift(-1, fill_value=False)
    frame.loc[back.shift(1, fill_value=False), "old"] = "Syscall"
    return frame[~back].sort_index()


def _within(frame: pd.DataFrame, window: tuple[int, int]) -> pd.DataFrame:
    return frame[frame.ts.between(*window)]


def _off(seen: Observation, both: pd.DataFrame) -> pd.Series:
    """How long the thread was off its processor between the two notes, with the sign of apart."""
    if seen.interludes is None:
        return pd.Series(0, both.index)
    first, last = np.minimum(both.ts_w, both.ts_r), np.maximum(both.ts_w, both.ts_r)
    off = seen.interludes.within(
        both.tid_r.to_numpy("int64"), first.to_numpy("int64"), last.to_numpy("int64")
    )
    return np.sign(both.apart) * off


def _pairs(witness: pd.DataFrame, recorded: pd.DataFrame) -> tuple[list[int], list[int]]:
    """The numbers of the rows that are each other's, goroutine by goroutine."""
    theirs, ours = _labels(witness), _labels(recorded)
    ours_of = recorded.groupby("goid", sort=False).indices
    w_rows: list[int] = []
    r_rows: list[int] = []
    for goid, w in witness.groupby("goid", sort=False).indices.items():
        r = ours_of.get(goid, np.array([], np.intp))
        for i, j in _align(theirs[w].tolist(), ours[r].tolist()):
            w_rows.append(w[i])
            r_rows.append(r[j])
    return w_rows, r_rows


def _labels(frame: pd.DataFrame) -> NDArray[np.object_]:
    return (frame.old + "→" + frame.new).to_numpy(object)


def _align(a: list[str], b: list[str]) -> list[tuple[int, int]]:
    """Pairs of equal elements, in order, as many as can be had."""
    head = _common(a, b)
    tail = _common(a[head:][::-1], b[head:][::-1])
    pairs = [(i, i) for i in range(head)]
    middle = difflib.SequenceMatcher(
        None, a[head : len(a) - tail], b[head : len(b) - tail], autojunk=False
    )
    for x, y, size in middle.get_matching_blocks():
        pairs += [(head + x + i, head + y + i) for i in range(size)]
    pairs += [(len(a) - tail + i, len(b) - tail + i) for i in range(tail)]
    return pairs


def _common(a: list[str], b: list[str]) -> int:
    size = min(len(a), len(b))
    return next((i for i in range(size) if a[i] != b[i]), size)
