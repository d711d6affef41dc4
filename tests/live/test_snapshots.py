"""Snapshots in a recording, against its events and against what the program knows of itself."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

import toolchains
from live.recording import (
    ENV,
    RECORDER,
    Recording,
    analyze,
    record,
    recording_of,
    running,
    said,
)

live = pytest.mark.live
pytestmark = pytest.mark.go

KINDS = [(v, "plain") for v in toolchains.TOOLCHAINS]
KINDS += [(toolchains.NEWEST, mode) for mode in ("pie-stripped", "cgo")]


@pytest.fixture
def parked(go_binary: Callable[..., Path]) -> Iterator[int]:
    with running([go_binary("parked.go")]) as target:
        said(target.stdout, "^ready")
        yield target.pid


@pytest.fixture(scope="module")
def followed(
    tmp_path_factory: pytest.TempPathFactory, go_binary: Callable[..., Path]
) -> dict[tuple[str, str], Recording]:
    """All builds of a program, from their first instruction to where all is parked, recorded at
    once."""
    out = tmp_path_factory.mktemp("followed") / "trace"
    binaries = {kind: go_binary("parked.go", *kind) for kind in KINDS}
    chosen = [option for binary in binaries.values() for option in ("--exe", str(binary))]
    with ExitStack() as stack:
        recorder = stack.enter_context(running([*RECORDER, "--out", out, *chosen]))
        said(recorder.stderr, "recording every process")
        programs = {kind: stack.enter_context(running([b])) for kind, b in binaries.items()}
        for program in programs.values():
            said(program.stdout, "^ready")
        recorder.terminate()
        _, talk = recorder.communicate(timeout=60)
        assert recorder.returncode == 0, talk
        return {kind: Recording(out, program.pid) for kind, program in programs.items()}


@live
@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_the_last_park_and_the_last_snapshot_say_the_same(
    followed: dict[tuple[str, str], Recording], kind: tuple[str, str]
) -> None:
    recording = followed[kind]
    pairs = recording.sql(
        """
        with parks as (
            select e.* from events as e join goroutines as g using (goid)
            where e.kind = 'park' and e.ts <= g.ts
            qualify row_number() over (partition by goid order by e.ts desc) = 1
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


@live
def test_as_many_are_counted_as_the_last_snapshot_has(
    followed: dict[tuple[str, str], Recording],
) -> None:
    whole = Recording(followed[KINDS[0]].path)
    assert whole.one("select count(*) from goroutines") == whole.one(
        "select live_goroutines from health order by ts desc limit 1"
    )


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
        spans as (select snapshot, min(ts) as ts, max(ts) as ts_end from goroutines group by 1),
        -- `ts` is just after a reading of some goroutines, which began after the one before it.
        readings as (
            select snapshot, ts, lag(ts) over (order by ts) as began
            from (select distinct snapshot, ts from goroutines)
        )
    """
    assert (
        recording.one(
            f"{lives} select count(*) from goroutines as g join lives using (goid) "
            "join readings using (snapshot, ts) where ts < born or died < began"
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


@pytest.fixture
def without_bcc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a host where the package bcc is not installed."""
    (tmp_path / "shadow").mkdir()
    (tmp_path / "shadow" / "bcc.py").write_text("raise ImportError('not installed')\n")
    shadowed = f"{tmp_path / 'shadow'}:{ENV['PYTHONPATH']}"
    monkeypatch.setitem(ENV, "PYTHONPATH", shadowed)


@pytest.mark.usefixtures("without_bcc")
def test_plan_snapshot_needs_no_ebpf(tmp_path: Path, parked: int) -> None:
    refused = record(tmp_path / "refused", "--pid", str(parked), "--plan", "park")
    assert refused.returncode != 0
    assert "bcc" in refused.stderr
    out = tmp_path / "trace"
    options = ("--pid", str(parked), "--plan", "snapshot", "--snapshot-interval", "200ms")
    done = record(out, *options, "--duration", "3s")
    assert done.returncode == 0, done.stderr
    recording = Recording(out)
    manifest = recording.manifest
    assert manifest["plan"] == "snapshot"
    assert manifest["exes"][0]["probes"] == []
    assert manifest["totals"]["snapshots"] >= 4
    assert manifest["totals"]["events"] == 0
    with duckdb.connect() as db:
        rows = db.sql(
            "select snapshot, count(*), count(stack_id), bool_and(certain), max(ts) - min(ts) "
            f"from '{out}/_goroutines.parquet/*.parquet' group by 1 order by 1"
        ).fetchall()
    assert [row[0] for row in rows] == list(range(manifest["totals"]["snapshots"]))
    assert len({row[1:4] for row in rows}) == 1
    assert rows[0][1] == rows[0][2] > 25
    found = analyze("leaks", out, "--json")
    assert "main.receiveNil" in {group["function"] for group in json.loads(found.stdout)}


@live
@pytest.mark.parametrize("plan", ["sched", "snapshot"])
def test_a_snapshot_is_taken_every_so_often(tmp_path: Path, parked: int, plan: str) -> None:
    with recording_of(
        parked, tmp_path / "trace", "--plan", plan, "--snapshot-interval", "100ms"
    ) as (_, recording):
        time.sleep(1.5)
    manifest = recording.manifest
    taken = manifest["totals"]["snapshots"]
    seconds = (manifest["stopped_ts"] - manifest["started_ts"]) / 1e9
    # One at the start, one at the end, and others, as many as a busy machine has time for.
    assert 3 <= taken <= seconds * 10 + 2


@live
def test_memory_is_read_for_half_of_the_time_at_most(
    tmp_path: Path, go_binary: Callable[..., Path]
) -> None:
    options = ("--plan", "snapshot", "--snapshot-interval", "10ms", "--snapshot-heap", "0")
    with running([go_binary("parked.go"), "2000"]) as target:
        said(target.stdout, "^ready")
        done = record(tmp_path / "t", "--pid", str(target.pid), *options, "--duration", "4s")
    assert done.returncode == 0, done.stderr
    spans = Recording(tmp_path / "t").sql(
        "SELECT min(ts), max(ts) FROM goroutines GROUP BY snapshot ORDER BY snapshot"
    )
    assert len(spans) > 3
    for (first, last), (following, _) in pairwise(spans[:-1]):  # the last comes with the end
        assert following - last >= last - first


@live
def test_ten_thousand_goroutines_with_their_stacks_take_under_two_seconds(
    tmp_path: Path, go_binary: Callable[..., Path]
) -> None:
    """Of the recorder's processor time, all that it does besides included."""
    out = tmp_path / "trace"
    with running([go_binary("parked.go", mode="stripped"), "2000"]) as target:
        said(target.stdout, "^ready")
        options = ("--plan", "snapshot", "--snapshot-interval", "500ms", "--duration", "4s")
        done = record(out, "--pid", str(target.pid), *options)
    assert done.returncode == 0, done.stderr
    recording = Recording(out)
    taken = recording.manifest["totals"]["snapshots"]
    assert taken >= 3
    whole = (
        "select count(*) from goroutines where stack_id is not null and certain group by snapshot"
    )
    assert min(count for (count,) in recording.sql(whole)) > 10_000
    seconds = recording.one("select sum(cpu_ns) from health") / 1e9
    print(f"{seconds / taken:.2f} s of processor time for each of {taken} snapshots")
    assert seconds / taken < 2


@live
def test_whoever_cannot_wait_need_not(tmp_path: Path, go_binary: Callable[..., Path]) -> None:
    copies = 5_000  # of five goroutines, which takes seconds to read and to search
    hurried, at_once = (Recording(tmp_path / name) for name in ("hurried", "at_once"))
    with running([go_binary("parked.go"), str(copies)]) as target:
        said(target.stdout, "^ready")
        command = [*RECORDER, "--plan", "lifecycle", "--pid", str(target.pid), "--out"]
        with running([*command, hurried.path]) as recorder:
            while not hurried.path.exists():  # it holds back signals by now
                time.sleep(0.01)
            recorder.send_signal(signal.SIGINT)
            assert recorder.wait() == 0
        with running([*command, at_once.path]) as recorder:
            said(recorder.stderr, "^gtrace-rec: recording")
            recorder.send_signal(signal.SIGINT)
            while _is_pending(recorder.pid, signal.SIGINT):  # two at once would be one
                time.sleep(0.01)
            recorder.send_signal(signal.SIGINT)
            assert recorder.wait() == 0
    # The first signal ends the search at the start, but there is one at the end; a second ends all.
    searched = "SELECT count(*) > 0, count(reachable) > 0 FROM goroutines GROUP BY snapshot"
    assert hurried.sql(f"{searched} ORDER BY snapshot") == [(True, False), (True, True)]
    assert hurried.manifest["notes"] == []
    assert at_once.sql(f"{searched} ORDER BY snapshot")[0] == (True, True)
    (note,) = at_once.manifest["notes"]
    assert note.endswith(": a signal asked to end sooner")


def _is_pending(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    (held,) = (line.split()[1] for line in status.splitlines() if line.startswith("ShdPnd"))
    return bool(int(held, 16) >> (number - 1) & 1)
