"""What was lost is counted, and nothing is called certain that rests on it."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import gtrace_analyze
import toolchains
from conformance import witness
from conformance.matching import as_recorded
from conformance.observe import PROGRAMS, tell
from gtrace_analyze.engine import connect
from live.recording import Recording, recording_of, running, said

pytestmark = [pytest.mark.live, pytest.mark.go, pytest.mark.slow]

SCALE = 3
FORGOTTEN = 17 * SCALE
# The transition that the witness sees of each kind of event.
LABELS = {
    "create": "NotExist→Runnable",
    "run": "Runnable→Running",
    "park": "Running→Waiting",
    "ready": "Waiting→Runnable",
    "yield": "Running→Runnable",
    "exit": "Running→NotExist",
}
ALSO = {"inject": "ready", "park_undone": "ready", "suspend": "park"}
# Two observers note the same moment that far apart at most, unless their thread was held up.
NEAR_NS = 100_000


@dataclass(frozen=True)
class Lossy:
    """A recording with a ring too small for what the witness saw between `start` and `end`."""

    recording: Recording
    witness: pd.DataFrame
    start: int
    end: int


@pytest.fixture(scope="module")
def lossy(tmp_path_factory: pytest.TempPathFactory) -> Lossy:
    folder = tmp_path_factory.mktemp("lossy")
    program = toolchains.build(toolchains.NEWEST, PROGRAMS / "witness")
    trace = folder / "witness.trace"
    names = ["wait", "channels", "forget", "locks", "churn", "wait"]
    with running([program, str(SCALE), trace, *names]) as target:
        said(target.stdout, "waiting")
        options = ("--plan", "sched", "--ring-size", "64K")
        with recording_of(target.pid, folder / "recording", *options) as (_, recording):
            start = time.monotonic_ns()
            tell(target)
            said(target.stdout, "waiting")
            time.sleep(0.3)  # until the recorder has drained the ring
            end = time.monotonic_ns()
        tell(target)
        assert target.wait(timeout=30) == 0
    seen = as_recorded(witness.read(trace).transitions, "sched", monotonic=True)
    return Lossy(recording, seen[seen.ts.between(start, end)], start, end)


def test_every_event_is_recorded_or_counted_as_lost(lossy: Lossy) -> None:
    recorded = dict(
        lossy.recording.sql(
            f"select kind, count(*) from events where ts between {lossy.start} and {lossy.end} "
            "group by kind"
        )
    )
    totals = lossy.recording.manifest["totals"]
    outside = lossy.recording.one(
        f"select count(*) from gaps where ts < {lossy.start} or ts_end > {lossy.end}"
    )
    assert outside == 0
    assert totals["lost_ring"] == sum(totals["lost_by_kind"].values())
    assert totals["lost_ring"] == lossy.recording.one("select sum(lost) from gaps")
    assert totals["lost_ring"] > 1000
    ours = dict.fromkeys(LABELS, 0)
    for counts in (recorded, totals["lost_by_kind"]):
        for kind, count in counts.items():
            ours[ALSO.get(kind, kind)] += count
    theirs = (lossy.witness.old + "→" + lossy.witness.new).value_counts()
    assert ours == {kind: theirs[label] for kind, label in LABELS.items()}
    assert sum(ours.values()) == len(lossy.witness)


def test_no_certain_interval_spans_a_loss(lossy: Lossy) -> None:
    """But for waits of which Go noted that they went on, as the witness confirms."""
    intervals = _intervals(lossy)
    gaps = lossy.recording.sql("select ts, ts_end from gaps")
    certain = intervals[intervals.certain]
    unseen = _changes_within(intervals, lossy.witness)
    for first, last in gaps:
        across = certain[(certain.ts < last) & (certain.ts_end > first)]
        assert (across.state == "waiting").all(), across
        assert not unseen[across.index].any(), across
    assert len(certain) > 1000
    assert unseen[~intervals.certain].sum() > 10  # so there is something to find
    assert unseen[intervals.certain].mean() < 0.002, intervals[intervals.certain & unseen]


def _intervals(lossy: Lossy) -> pd.DataFrame:
    engine = connect(lossy.recording.path)
    try:
        frame = engine.table(
            "SELECT goid, state::VARCHAR AS state, ts, ts_end, certain FROM intervals ORDER BY ts"
        ).to_pandas()
    finally:
        engine.close()
    frame["ts_end"] = frame.ts_end.fillna(lossy.end).astype("int64")
    return frame[(frame.ts >= lossy.start) & (frame.ts_end <= lossy.end)]


def _changes_within(intervals: pd.DataFrame, seen: pd.DataFrame) -> pd.Series:
    """Whether the witness saw the goroutine change within each interval, its ends left out."""
    changes = {goid: np.sort(ts) for goid, ts in seen.groupby("goid").ts}
    none = np.array([], np.int64)
    found = [
        np.searchsorted(ts := changes.get(i.goid, none), i.ts + NEAR_NS)
        < np.searchsorted(ts, i.ts_end - NEAR_NS)
        for i in intervals.itertuples()
    ]
    return pd.Series(found, intervals.index, dtype=bool)


def test_after_a_loss_the_last_snapshot_tells_all_states(lossy: Lossy) -> None:
    with gtrace_analyze.open(lossy.recording.path) as trace:
        open_ = trace.sql(
            "SELECT goid, state::VARCHAR AS state, certain FROM intervals WHERE ts_end IS NULL"
        ).set_index("goid")
    assert open_.certain.all(), open_[~open_.certain]
    last = lossy.witness.groupby("goid").new.last()
    alive = last[last != "NotExist"].str.lower()
    assert len(alive) > FORGOTTEN
    assert (open_.state.reindex(alive.index) == alive).all(), (open_, alive)
    assert not set(open_.index) & set(last.index[last == "NotExist"])


def test_no_verdict_rests_on_a_loss(lossy: Lossy) -> None:
    """None is called leaked because its wake-up or end was lost."""
    with gtrace_analyze.open(lossy.recording.path) as trace:
        leaks = trace.leaks()
    found = {goid for goids in leaks.goids for goid in goids}
    forgotten = _still_waiting(lossy)
    assert len(forgotten) >= FORGOTTEN
    assert found <= forgotten


def _still_waiting(lossy: Lossy) -> set[int]:
    last = lossy.witness.groupby("goid").new.last()
    return set(last.index[last == "Waiting"])
