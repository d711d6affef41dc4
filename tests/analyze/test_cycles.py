"""What is known of goroutines does not depend on the chunks in which a recording is read."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from analyze.test_intervals import BLUEPRINTS as INTERVALS
from analyze.test_lent import BLUEPRINTS as LENT
from analyze.test_losses import BLUEPRINTS as LOSSES
from analyze.test_windows import BLUEPRINTS as WINDOWS
from blueprint import Blueprint, check
from gtrace_analyze import _cycles
from gtrace_analyze.engine import connect
from synth import Recording


@pytest.mark.parametrize("blueprint", [*INTERVALS, *LENT, *LOSSES, *WINDOWS], ids=str)
def test_each_event_may_be_a_chunk(
    blueprint: Blueprint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_cycles, "EVENTS", 1)
    check(blueprint, tmp_path, parts=1000)


def test_states_that_follow_each_other_are_one_row(tmp_path: Path) -> None:
    b = Recording()
    b.go(7, ts=1).run(2).park(3, "select", ["main.f main.go:1"]).ready(4).run(5)
    b.go(8, ts=6).run(7).park(8, "sleep", ["main.f main.go:1"])
    engine = connect(b.write(tmp_path / "trace"))
    rows = engine.rows(
        "SELECT goid, wait_ts, ready_ts, run_ts, ts_end, wait_by::VARCHAR AS wait_by, "
        "ready_by::VARCHAR AS ready_by, first_state, last_state, certain, shape "
        "FROM int_cycles JOIN int_shapes USING (shape) ORDER BY goid, wait_ts"
    )
    engine.close()
    shapes = [row.pop("shape") for row in rows]
    assert shapes[2] == shapes[0]  # as these differ in times and places only
    assert len(set(shapes)) == 3
    assert [tuple(row.values()) for row in rows] == [
        (7, 1, 1, 2, 3, "create", "create", 1, 2, 6),
        (7, 3, 4, 5, None, "park", "ready", 0, 2, 7),
        (8, 6, 6, 7, 8, "create", "create", 1, 2, 6),
        (8, 8, None, None, None, "park", None, 0, 0, 1),
    ]


def test_parts_may_be_rewritten_by_what_knows_nothing_of_arrow(tmp_path: Path) -> None:
    b = Recording()
    b.go(7, ts=1).run(2).park(3, "select", ["main.f main.go:1"]).ready(4).run(5).exit(6)
    path = b.write(tmp_path / "trace")
    (part,) = path.glob("part-*.parquet")
    pq.write_table(pq.read_table(part), part, store_schema=False)
    engine = connect(path)
    states = engine.rows("SELECT state, reason FROM intervals ORDER BY ts")
    engine.close()
    assert [(s["state"], s["reason"]) for s in states] == [
        ("runnable", None),
        ("running", None),
        ("waiting", "select"),
        ("runnable", None),
        ("running", None),
    ]
