"""--max-overhead: windows with all that happened in them, and nothing of what did not."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from live.recording import Recording, analyze, record, recording_of, running, said

pytestmark = [pytest.mark.live, pytest.mark.go]

OPTIONS = ("--max-overhead", "2%", "--duration", "14s")


@pytest.fixture(scope="module")
def windowed(
    tmp_path_factory: pytest.TempPathFactory, go_binary: Callable[..., Path]
) -> tuple[Recording, Recording, str]:
    """The same seconds of a busy program, once whole and once in windows; and what was said."""
    folder = tmp_path_factory.mktemp("windows")
    with running([go_binary("busy.go")]) as target:
        said(target.stdout, "busy")
        with recording_of(target.pid, folder / "whole", "--ring-size", "256M") as (_, whole):
            done = record(folder / "t", "--pid", str(target.pid), *OPTIONS)
    assert done.returncode == 0, done.stderr
    return Recording(folder / "t"), whole, done.stderr


def windows_of(recording: Recording) -> list[tuple[int, int]]:
    manifest = recording.manifest
    pauses = recording.sql("select ts, ts_end from gaps where cause = 'probes off' order by ts")
    edges = [manifest["started_ts"]]
    for ts, ts_end in pauses:
        if ts == edges[-1] and len(edges) > 1:  # told of second by second
            edges[-1] = ts_end
        else:
            edges += [ts, ts_end]
    edges.append(manifest["stopped_ts"])
    return list(zip(edges[::2], edges[1::2], strict=True))


def test_there_are_windows_and_nothing_lies_outside(
    windowed: tuple[Recording, Recording, str],
) -> None:
    recording, _, talk = windowed
    windows = windows_of(recording)
    totals = recording.manifest["totals"]
    assert totals["windows"] == len(windows) >= 2
    seen = sum(end - begin for begin, end in windows)
    assert totals["seen_ns"] == pytest.approx(seen, rel=0.02)
    assert recording.one("select sum(seen_ns) from health") == pytest.approx(seen, rel=0.02)
    assert seen < 0.2 * (windows[-1][1] - windows[0][0])
    assert totals["events"] > 1000
    inside = " or ".join(f"ts between {begin} and {end}" for begin, end in windows)
    assert recording.one(f"select count(*) from events where not ({inside})") == 0
    for begin, end in windows:
        assert recording.one(f"select count(*) from goroutines where ts between {begin} and {end}")
    assert re.search(r"recorded in \d+ windows, .* of 2.0% allowed", talk)


def test_within_a_window_there_is_every_event_that_a_whole_recording_has(
    windowed: tuple[Recording, Recording, str],
) -> None:
    recording, whole, _ = windowed
    assert whole.manifest["totals"]["lost_ring"] == 0
    assert recording.manifest["totals"]["lost_ring"] == 0
    for begin, end in windows_of(recording)[:-1]:
        # Both stamp an event with their own time: to one side of an edge or the other.
        within = f"from events where ts between {begin + 200_000} and {end - 200_000}"
        counts = f"select kind, goid, count(*) {within} group by all"
        mine, other = ({row[:2]: row[2] for row in r.sql(counts)} for r in (recording, whole))
        assert sum(mine.values()) > 100
        strange = sum(abs(mine.get(k, 0) - other.get(k, 0)) for k in mine.keys() | other.keys())
        assert strange <= 4, f"{strange} of {sum(mine.values())}"


def test_the_analyzer_knows_what_it_did_not_see(
    windowed: tuple[Recording, Recording, str],
) -> None:
    recording, _, _ = windowed
    windows = windows_of(recording)
    rows = analyze("sql", recording.path, "SELECT count(*), sum(dur) FROM windows", "--csv")
    assert rows.returncode == 0, rows.stderr
    count, seen = rows.stdout.splitlines()[-1].split(",")
    assert (int(count), int(seen)) == (len(windows), sum(e - b for b, e in windows))
    crossing = " or ".join(f"ts < {e} and coalesce(ts_end, {e} + 1) > {e}" for _, e in windows[:-1])
    found = analyze(
        "sql",
        recording.path,
        f"SELECT count(*) FROM intervals WHERE certain AND state <> 'waiting' AND ({crossing})",
        "--csv",
    )
    assert found.stdout.split() == ["count_star()", "0"], found.stderr
    health = analyze("health", recording.path)
    assert f"recorded in {len(windows)} windows" in health.stdout
    assert "illegal_transitions" not in health.stdout
