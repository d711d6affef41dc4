"""Snapshots in a recording, against its events and against what the program knows of itself."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import toolchains
from live.recording import READY_S, RECORDER, Recording, recording_of, running, said

live = pytest.mark.live
pytestmark = pytest.mark.go

KINDS = [(v, "plain") for v in toolchains.TOOLCHAINS]
KINDS += [(toolchains.NEWEST, mode) for mode in ("pie-stripped", "cgo")]


@pytest.fixture
def parked(go_binary: Callable[..., Path]) -> Iterator[int]:
    with running([go_binary("parked.go")]) as target:
        said(target.stdout, "^ready")
        yield target.pid


@live
@pytest.mark.parametrize(("version", "mode"), KINDS)
def test_the_last_park_and_the_last_snapshot_say_the_same(
    tmp_path: Path, go_binary: Callable[..., Path], version: str, mode: str
) -> None:
    out = tmp_path / "trace"
    binary = go_binary("parked.go", version, mode)
    with running([*RECORDER, "--out", out, "--", binary]) as recorder:
        said(recorder.stdout, "^ready")
        stop_but_not_its_program(recorder, out)
    recording = Recording(out)
    pairs = recording.sql(
        """
        with parks as (
            select * from events where kind = 'park'
            qualify row_number() over (partition by goid order by ts desc) = 1
        )
        select goid, g.stack_id, p.stack_id, g.reason, p.reason, g.obj, p.obj
        from goroutines as g join parks as p using (goid)
        where g.status = 'waiting' and g.certain
        """
    )
    assert len(pairs) >= 25
    for goid, *columns in pairs:
        snapshot, event = columns[::2], columns[1::2]
        assert snapshot == event, goid
    assert recording.one("select count(*) from goroutines") == recording.one(
        "select live_goroutines from health order by ts desc limit 1"
    )


def stop_but_not_its_program(recorder: subprocess.Popen[str], out: Path) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        if Recording(out).manifest["stopped_ts"]:
            return
        recorder.send_signal(signal.SIGINT)  # the second one that it takes stops it
        time.sleep(0.2)
    raise AssertionError(f"{out}: not stopped after {READY_S} s")


@live
def test_an_attached_recording_begins_and_ends_with_a_snapshot(tmp_path: Path, parked: int) -> None:
    with recording_of(parked, tmp_path / "trace") as (_, recording):
        pass
    first, last = recording.sql("select snapshot, count(*) from goroutines group by 1 order by 1")
    assert first == (0, last[1])
    assert last[0] == 1
    assert recording.manifest["totals"]["snapshots"] == 2
    assert recording.one("select max(live_goroutines) from health") == last[1]
    in_snapshot = "select gopc from goroutines union select startpc from goroutines"
    missing = f"select * from ({in_snapshot}) anti join symbols on pc = gopc"
    assert recording.sql(f"{missing} where gopc is not null") == []


@live
def test_snapshots_of_a_busy_program_fit_its_events(
    tmp_path: Path, go_binary: Callable[..., Path]
) -> None:
    """Goroutines come and go by the thousand while they are read."""
    with running([go_binary("churn.go")]) as target:
        said(target.stdout, "^ready")
        with recording_of(target.pid, tmp_path / "trace") as (_, recording):
            time.sleep(0.5)
    assert recording.manifest["totals"]["lost_ring"] == 0
    lives = """
        with lives as (
            select goid, born.ts as born, died.ts as died
            from (select distinct goid from events union select goid from goroutines)
            left join (from events where kind in ('create', 'create_parked')) as born using (goid)
            left join (from events where kind = 'exit') as died using (goid)
        ),
        spans as (select snapshot, min(ts) as ts, max(ts) as ts_end from goroutines group by 1)
    """
    assert (
        recording.one(
            f"{lives} select count(*) from goroutines as g join lives using (goid) "
            "where ts < born or ts > died"
        )
        == 0
    )
    # Whoever was there from before the snapshot's beginning to behind its end is in it.
    assert (
        recording.one(
            f"""
        {lives} select count(*)
        from lives join spans on born < ts - 100_000_000 and coalesce(died > ts_end, true)
        anti join goroutines as g on g.goid = lives.goid and g.snapshot = spans.snapshot
        """
        )
        == 0
    )
    alive = recording.one(
        f"""
        {lives} select count(*) from lives left join goroutines as g
            on g.goid = lives.goid and g.snapshot = 0
        where died is null and coalesce(g.goid, born) is not null
        """
    )
    assert alive > 1009
    counted = "select live_goroutines from health order by ts desc limit 1"
    assert recording.one(counted) == alive
