"""The benchmark of the analyzer, on a recording small enough to be quick."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from bench import analyzer, large
from gtrace_analyze.engine import connect

EVENTS = 210_000  # more than are computed in memory


def test_a_large_recording_is_a_clean_one(tmp_path: Path) -> None:
    path = tmp_path / "trace.parquet"
    large.write(path, EVENTS, goroutines=1_000)
    engine = connect(path)
    (row,) = engine.rows("SELECT count(*) AS n, bool_and(certain) AS certain FROM intervals")
    ends = engine.rows("SELECT count(*) AS n FROM events WHERE kind = 'exit'")[0]["n"]
    # Every event but an exit begins an interval.
    assert row["n"] + ends == pq.read_table(path, columns=["ts"]).num_rows
    assert row["certain"]
    assert abs(row["n"] - EVENTS) < EVENTS * 0.02
    (live,) = engine.rows("SELECT count(*) AS n FROM goroutines WHERE state = 'waiting'")
    assert 50 < live["n"] < 150


def test_every_analysis_is_timed(tmp_path: Path) -> None:
    path = tmp_path / "trace.parquet"
    large.write(path, EVENTS, goroutines=1_000)
    index, *rest = analyzer.measure_at(path, times=1)
    assert index.name.startswith("index of 0.2 M events")
    assert 0 < index.value < 100
    names = {result.name for result in rest}
    assert {
        "leaks, p95",
        "park by channel, p95",
        "wakers by goroutine, p95",
        "critical_path, p95",
        "latency by site, a tenth of the time, p95",
    } <= names
    assert all(result.value > 0 for result in rest)
