"""Moments in the output: since the start, or on the wall clock."""

from __future__ import annotations

import csv
import json
import re
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from gtrace_analyze.analyses import latency, park, timeline
from gtrace_analyze.commands import cli
from gtrace_analyze.engine import connect
from gtrace_analyze.moments import Moments
from gtrace_rec.schema import ClockAnchor
from synth import Recording

F = ["main.f main.go:1"]
SECOND = 10**9
WALL = 1_700_000_000  # of the recording's start, in synth.py


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> str:
    b = Recording(duration=10 * SECOND)
    b.go(7, ts=SECOND).run(SECOND + 5000).park(2 * SECOND, "select", F).ready(3 * SECOND, by=8)
    b.go(7).run(3 * SECOND + 7000)
    return str(b.write(tmp_path_factory.mktemp("moments") / "trace.parquet"))


def said(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["--quiet", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


COMMANDS = [
    ("goroutine", "7"),
    ("critical-path", "7"),
    ("latency", "--worst"),
    ("latency", "--over-time"),
    ("timeline",),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_text_tells_moments_as_asked(trace: str, command: tuple[str, ...]) -> None:
    name, *options = command
    arguments = [name, trace, *options]
    since_start, by_clock = re.compile(r"\b\d\.\d{6}s"), re.compile(r":2\d\.\d{6}\b")
    from_start, wall = said(*arguments), said(*arguments, "--wall")
    assert since_start.search(from_start)
    assert not by_clock.search(from_start)
    assert by_clock.search(wall)
    assert not since_start.search(wall)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_json_and_csv_have_a_column_more(trace: str, command: tuple[str, ...]) -> None:
    name, *options = command
    found = json.loads(said(name, trace, *options, "--wall", "--json"))
    row = found["intervals"][0] if name == "goroutine" else found[0]
    late = WALL + row["ts"] / 1e9 - datetime.fromisoformat(row["time"]).timestamp()
    assert -1e-7 < late < 1.1e-6  # rounded down to microseconds
    header, *lines = csv.reader(said(name, trace, *options, "--wall", "--csv").splitlines())
    assert "time" in header
    assert {len(line) for line in lines} == {len(header)}


def test_what_wall_prints_from_takes(trace: str) -> None:
    """Also where the clock was set meanwhile: both take the nearest reading."""
    engine = connect(Path(trace))
    by = Moments.of(engine, wall=True)
    engine.close()
    assert by.text(2 * SECOND + 123_456_000).endswith(":22.123456")
    (row,) = json.loads(said("latency", trace, "--from", by.text(3 * SECOND), "--worst", "--json"))
    assert row["ts"] == 3 * SECOND


def test_another_day_is_told() -> None:
    readings = ((0, WALL * SECOND), (40_000 * SECOND, (WALL + 40_000) * SECOND))
    by = Moments(0, readings, wall=True)
    assert len(by.text(0)) == len("22:13:20.000000")
    assert len(by.text(90_000 * SECOND)) == len("2023-11-15 22:13:20.000000")


def test_a_clock_that_was_never_read_is_not_made_up(tmp_path: Path) -> None:
    b = Recording()
    b.go(7, ts=5).run(8)
    path = b.write(tmp_path / "t.parquet", clock=[])
    done = CliRunner().invoke(cli, ["goroutine", str(path), "7", "--wall"])
    assert done.exit_code != 0
    assert "no reading of the wall clock was recorded" in str(done.exception or done.output)


def test_pictures_say_when_their_second_0_is(trace: str) -> None:
    engine = connect(Path(trace))
    charts = [park.chart(engine), latency.chart(engine), timeline.collect(engine)]
    engine.close()
    start = datetime.fromtimestamp(WALL).astimezone()
    assert {chart.started for chart in charts} == {f"{start:%Y-%m-%d %H:%M:%S.%f %z}"}


def test_the_nearest_reading_counts() -> None:
    """Set forward by an hour in between: either side has its own."""
    hour = 3600
    anchors = [ClockAnchor(0, 0, 100), ClockAnchor(10 * SECOND, (10 + hour) * SECOND, 100)]
    by = Moments(0, tuple((a.mono_ns, a.wall_ns) for a in anchors), wall=True)
    assert by.on_wall_clock(4 * SECOND).timestamp() == 4
    assert by.on_wall_clock(6 * SECOND).timestamp() == 6 + hour
