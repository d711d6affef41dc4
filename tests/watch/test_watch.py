"""Watching a recording: what a sample says, compared with what the analyzer says of the same."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

import gtrace_analyze as ga
from export.scene import LOCK, RECEIVE, scene
from gtrace_analyze.analyses.watch import Watch
from gtrace_analyze.render import watch as render
from gtrace_analyze.tail import Tail
from gtrace_rec import schema
from live.recording import analyze
from synth import Recording, alive, edit_manifest, write_stream

SECOND = 10**9


def _events(first: int, count: int) -> pa.Table:
    b = Recording()
    for ts in range(first, first + count):
        b.go(ts).run(ts)
    rows = [{name: row.get(name) for name in schema.EVENTS.names} for row in b.rows]
    plain = pa.schema([(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type)
                       for f in schema.EVENTS])  # fmt: skip
    return pa.Table.from_pylist(rows, plain).cast(schema.EVENTS)


def _goids(tail: Tail) -> list[int]:
    return [goid for table in tail.events() for goid in table["goid"].to_pylist()]


def test_each_event_comes_once_through_growth_and_rotation(tmp_path: Path) -> None:
    tail = Tail(tmp_path)
    assert _goids(tail) == []
    first, second = (tmp_path / schema.open_part_name(n) for n in (0, 1))
    write_stream(first, _events(0, 5))
    assert _goids(tail) == [0, 1, 2, 3, 4]
    assert _goids(tail) == []
    write_stream(first, _events(0, 8))
    assert _goids(tail) == [5, 6, 7]
    # It grows once more, is closed and rotated, all between two looks.
    pq.write_table(_events(0, 11), tmp_path / schema.part_name(0))
    first.unlink()
    write_stream(second, _events(11, 2))
    assert _goids(tail) == [8, 9, 10, 11, 12]
    # Closed, but still a stream, while the next one has begun.
    write_stream(second, _events(11, 4))
    write_stream(tmp_path / schema.open_part_name(2), _events(15, 3))
    assert _goids(tail) == [13, 14, 15, 16, 17]
    for number, rows in ((1, _events(11, 4)), (2, _events(15, 3))):
        pq.write_table(rows, tmp_path / schema.part_name(number))
        (tmp_path / schema.open_part_name(number)).unlink()
    assert _goids(tail) == []


def test_a_stream_cut_within_a_batch_gives_what_is_whole(tmp_path: Path) -> None:
    file = tmp_path / schema.open_part_name(0)
    write_stream(file, _events(0, 9))
    whole = file.read_bytes()
    tail = Tail(tmp_path)
    file.write_bytes(whole[: len(whole) - 100])
    seen = _goids(tail)
    assert seen == list(range(6))  # batches of three
    file.write_bytes(whole)
    assert seen + _goids(tail) == list(range(9))


def _by(rows: list[dict[str, Any]], *names: str) -> dict[tuple[Any, ...], int]:
    found: dict[tuple[Any, ...], int] = {}
    for row in rows:
        key = tuple(row[name] for name in names[:-1])
        if row[names[-1]]:
            found[key] = found.get(key, 0) + row[names[-1]]
    return found


@pytest.mark.parametrize("name", ["leaky", "healthy"])
def test_of_a_real_recording_it_says_what_the_analyzer_says(repo: Path, name: str) -> None:
    path = repo / "notebooks" / f"{name}.parquet"
    sample = Watch(path, 60 * SECOND).sample()
    with ga.open(path) as trace:
        events = trace.sql("SELECT count(*) AS n FROM events")["n"][0]
        alive_ = trace.sql("SELECT count(*) AS n FROM goroutines WHERE ts_end IS NULL")["n"][0]
        sites = trace.sql(
            "SELECT created_by, created_at, sum(live)::BIGINT AS live FROM creation_sites "
            "WHERE live > 0 GROUP BY ALL"
        )
        places = trace.sql(
            "SELECT reason, function, line, count(*) AS waiting FROM waits "
            "WHERE ts_end IS NULL AND NOT system GROUP BY ALL"
        )
    assert (sample.events, sample.live) == (events, alive_)
    names = ("created_by", "created_at", "live")
    assert _by(sample.sites, *names) == _by(sites.to_dict("records"), *names)
    names = ("reason", "function", "line", "waiting")
    assert _by(sample.places, *names) == _by(places.to_dict("records"), *names)


def test_rates_are_of_the_time_since_the_last_look(tmp_path: Path) -> None:
    path = scene().write(tmp_path / "t.parquet")
    edit_manifest(path, flushed_ts=2 * SECOND)
    watch = Watch(path, 60 * SECOND)
    first = watch.sample()
    assert first.events == 12
    assert first.events_per_s == 6
    assert first.kinds_per_s["park"] == 1.5
    (lock,) = [p for p in first.places if p["reason"] == "sync.Mutex.Lock"]
    assert (lock["waiting"], lock["parks_per_s"]) == (1, 0.5)
    assert lock["oldest_ns"] == 2 * SECOND - 325_000
    edit_manifest(path, flushed_ts=3 * SECOND)
    second = watch.sample()
    assert (second.events, second.events_per_s, second.live) == (12, 0, first.live)
    assert {p["parks_per_s"] for p in second.places} == {0}


def test_what_was_there_before_comes_from_the_snapshot(tmp_path: Path) -> None:
    b = Recording(duration=SECOND)
    b.snapshot(
        10,
        alive(5, reason="chan receive", stack=RECEIVE, at="main.main main.go:3", waitsince=4),
        alive(6, reason="sync.Mutex.Lock", stack=LOCK, at="main.main main.go:3"),
        alive(7, status="running", at="main.main main.go:4"),
    )
    b.go(6).ready(20, by=7).run(30).exit(40)
    b.go(8, parent=7, ts=50, at="main.main main.go:4")
    sample = Watch(b.write(tmp_path / "t.parquet"), SECOND).sample()
    assert _by(sample.sites, "created_at", "live") == {("main.go:3",): 1, ("main.go:4",): 2}
    ((place),) = sample.places
    assert (place["function"], place["waiting"]) == ("main.next", 1)
    assert place["oldest_ns"] == SECOND - 4


def test_without_events_the_last_snapshot_is_what_there_is(tmp_path: Path) -> None:
    b = Recording(plan="snapshot", duration=SECOND)
    for ts, goids in ((10, (5, 6, 7)), (20, (6, 7, 8, 9))):
        b.snapshot(ts, *(alive(g, reason="chan receive", stack=RECEIVE) for g in goids))
    sample = Watch(b.write(tmp_path / "t.parquet"), SECOND).sample()
    assert (sample.live, sample.places[0]["waiting"]) == (4, 4)


def test_losses_are_told(tmp_path: Path) -> None:
    b = scene().second(SECOND, lost_ring=5, dropped=2, lost_stack=3, ring_fill=0.5, cpu_ns=10**8)
    path = b.write(tmp_path / "t.parquet")
    sample = Watch(path, SECOND).sample()
    assert (sample.lost, sample.lost_stacks, sample.ring_fill) == (7, 3, 0.5)
    assert sample.recorder_cpu == pytest.approx(0.1)
    assert "7 events lost" in _shown(sample)


def _growth(tmp_path: Path, live: list[int]) -> dict[str, Any]:
    """What a watch of ten seconds says of a site that has so many at each second."""
    b = Recording(duration=SECOND)
    path, number, there = tmp_path / "t.parquet", 0, []
    b.write(path)
    (path / schema.part_name(0)).unlink(missing_ok=True)
    watch = Watch(path, 10 * SECOND)
    found: dict[str, Any] = {}
    for second, count in enumerate(live):
        while len(there) < count:
            number += 1
            there.append(number)
            b.go(number, parent=1, ts=second * SECOND + number, at="main.f main.go:1")
        while len(there) > count:
            b.go(there.pop(0)).exit(second * SECOND + 999)
        b.write(tmp_path / f"{second}", flushed_ts=(second + 1) * SECOND)
        for file in (tmp_path / f"{second}").rglob("*"):
            if file.is_file():
                target = path / file.relative_to(tmp_path / f"{second}")
                target.parent.mkdir(exist_ok=True)
                os.replace(file, target)
        (found,) = watch.sample().sites or [{}]
    return found


def test_what_only_becomes_more_grows(tmp_path: Path) -> None:
    site = _growth(tmp_path, [2 * n + 1 for n in range(12)])
    assert (site["created_by"], site["created_at"], site["live"]) == ("main.f", "main.go:1", 23)
    assert site["growth_per_s"] == 2
    assert site["grows"]


def test_what_comes_and_goes_does_not_grow(tmp_path: Path) -> None:
    site = _growth(tmp_path, [1, 9, 3, 12, 1, 15, 2, 11, 1, 17, 2, 19])
    assert site["live"] == 19
    assert not site["grows"]


def _shown(sample: Any, width: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(render.screen(sample, "t.parquet", 8))
    return out.getvalue()


def test_the_screen_fits_80_columns_and_takes_names_as_they_are(tmp_path: Path) -> None:
    b = scene()
    b.go(9, parent=1, ts=1000, at="main.Map[go.shape.int].Each[/bold][red] m.go:1")
    text = _shown(Watch(b.write(tmp_path / "t.parquet"), SECOND).sample())
    assert "main.Map[go.shape.int].Each[/bold][red]" in text
    assert "nothing lost" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--json", "t.parquet"], 2, "t.parquet: is not being written any more (stopped)"),
        (["--json", "none.parquet"], 1, "none.parquet: no such recording"),
        (["t.parquet"], 2, "standard output is no terminal"),
        (["--json", "--every", "x", "t.parquet"], 2, "'x' is no duration"),
        (["--json", "--window", "0s", "t.parquet"], 2, "'0s' is no duration"),
    ],
)
def test_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    scene().write(tmp_path / "t.parquet")
    done = analyze("watch", *arguments)
    assert said in done.stderr
    assert (done.returncode, done.stdout) == (status, "")


def test_a_line_is_json_with_at_most_so_many_rows(repo: Path) -> None:
    sample = Watch(repo / "notebooks" / "leaky.parquet", SECOND).sample()
    values = json.loads(render.line(sample, 2))
    assert (len(values["places"]), len(values["sites"])) == (2, 2)
    assert values["events"] == sample.events


def test_a_goroutine_that_is_lent_to_threads_of_c_lives_again(tmp_path: Path) -> None:
    b = Recording(duration=SECOND)
    b.go(17).create_syscall(10).exit(20).create_syscall(30)
    b.go(18).create_syscall(40).exit(50)
    assert Watch(b.write(tmp_path / "t.parquet"), SECOND).sample().live == 1
