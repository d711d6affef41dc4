"""CSV, Parquet and DuckDB files hold what the analyzer's own views say."""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from export.scene import US, scene, written
from gtrace_analyze import catalog
from gtrace_analyze._errors import UsageError
from gtrace_analyze.engine import Engine
from gtrace_analyze.export import csv, parquet
from gtrace_analyze.export._clock import Clock
from gtrace_analyze.export._tables import TABLES
from gtrace_analyze.selection import Selection
from gtrace_rec.schema import ClockAnchor
from live.recording import analyze
from synth import alive

Analyzed = Callable[..., Engine]
START = 1_700_000_000 * 10**9


@pytest.mark.parametrize("name", TABLES)
def test_parquet_has_the_rows_of_the_view(analyzed: Analyzed, name: str) -> None:
    engine = analyzed(scene().snapshot(1, alive(1, labels=[("a", "b")])).gap(5, 6))
    table = pq.read_table(io.BytesIO(written(parquet.write, engine, table=name)))
    view = TABLES[name].view or name
    expected = engine.table(f"FROM {view}")
    times = [f.name for f in table.schema if pa.types.is_timestamp(f.type)]
    assert set(table.column_names) == {*times, *expected.column_names}
    assert table.num_rows == expected.num_rows > 0
    found = table.select(expected.column_names).to_pylist()
    assert sorted(map(str, found)) == sorted(map(str, expected.to_pylist()))
    assert set(TABLES[name].columns) == set(table.column_names)


def test_csv_reads_back(analyzed: Analyzed) -> None:
    engine = analyzed(scene().snapshot(1, alive(1, labels=[("a", 'b"c')])))
    frame = pd.read_csv(io.BytesIO(written(csv.write, engine, table="intervals")))
    row = frame[(frame.goid == 7) & (frame.reason == "chan receive")].iloc[0]
    assert (row.ts, row.ts_end, row.dur, row.waker_goid) == (160 * US, 260 * US, 100 * US, 1)
    assert row.time == "2023-11-14 22:13:20.000160000Z"
    assert frame.ts_end.isna().sum() == 2  # goroutines 1 and 8 still wait
    goroutines = pd.read_csv(io.BytesIO(written(csv.write, engine, table="goroutines")))
    assert goroutines.set_index("goid").labels[1] == '{"a":"b\\"c"}'


def test_an_empty_table_has_its_header(analyzed: Analyzed) -> None:
    text = written(csv.write, analyzed(scene()), table="gaps").decode()
    assert text == '"time","time_end","pid","cpu","ts","ts_end","cause","lost"\n'


def test_selections(analyzed: Analyzed) -> None:
    engine = analyzed(scene())
    part = Selection(start=str(200 * US), end=str(270 * US))
    rows = pq.read_table(io.BytesIO(written(parquet.write, engine, part))).to_pylist()
    assert [(r["goid"], r["state"], r["ts"] // US) for r in rows] == [
        (7, "waiting", 160), (7, "runnable", 260),
    ]  # fmt: skip
    only = Selection(goids=frozenset({8}))
    events = pq.read_table(io.BytesIO(written(parquet.write, engine, only, table="events")))
    assert set(events["goid"].to_pylist()) == {8}
    with pytest.raises(UsageError, match="no goroutine matches"):
        written(csv.write, engine, Selection(function="nobody"))
    with pytest.raises(UsageError, match="'x' is no table; tables are recording, events"):
        written(csv.write, engine, table="x")


def test_wall_time_is_interpolated_between_readings(analyzed: Analyzed) -> None:
    """The wall clock gains 1 ms between 1 s and 3 s, then is set forward by an hour."""
    ms = 10**6
    clock = [
        ClockAnchor(1000 * ms, START + 1000 * ms, 1),
        ClockAnchor(3000 * ms, START + 3001 * ms, 1),
        ClockAnchor(3000 * ms + 1, START + 3001 * ms + 3600_000 * ms + 1, 1),
    ]
    engine = analyzed(scene(), clock=clock)
    walls = Clock.of(engine.recording.manifest).walls(np.array([0, 1000, 2000, 3000, 4000]) * ms)
    assert ((walls - START) / ms).tolist() == [0, 1000, 2000.5, 3001, 3_604_001]
    exact = Clock.of(engine.recording.manifest).wall(1000 * ms + 123_457)
    assert exact - START == 1000 * ms + 123_457 + round(123_457 / 2000)


def test_directories_of_all_tables(tmp_path: Path) -> None:
    trace = scene().write(tmp_path / "trace.parquet")
    for name in ("csv", "parquet"):
        out = tmp_path / name
        done = analyze("export", name, trace, "-o", out)
        assert done.returncode == 0, done.stderr
        assert {f.name for f in out.iterdir()} == {f"{table}.{name}" for table in TABLES}
        again = analyze("export", name, trace, "-o", out)
        assert again.returncode == 2
        assert f"{out}: is not empty; --force replaces it" in again.stderr
        assert analyze("export", name, trace, "-o", out, "--force").returncode == 0
    assert "give -o DIRECTORY, or choose one --table" in analyze("export", "csv", trace).stderr


def test_duckdb_file_stands_alone(tmp_path: Path) -> None:
    trace = scene().write(tmp_path / "trace.parquet", parts=2, in_progress=3)
    out = tmp_path / "trace.duckdb"
    done = analyze("export", "duckdb", trace, "-o", out)
    assert done.returncode == 0, done.stderr
    trace.rename(tmp_path / "gone")
    with duckdb.connect(str(out), read_only=True) as con:
        for o in catalog.load():
            if o.kind != "macro":
                con.sql(f"FROM {o.name}").fetchall()
        waits = con.sql(
            "SELECT reason::VARCHAR, dur FROM waits WHERE goid = 7 ORDER BY ts"
        ).fetchall()
        assert waits == [("chan receive", 100 * US), ("sleep", 100 * US)]
        macro = con.sql("SELECT count(*) FROM selected_waits(NULL, NULL, [7], NULL)").fetchall()
        assert macro == [(2,)]
        ((comment,),) = con.sql(
            "SELECT comment FROM duckdb_columns() "
            "WHERE table_name = 'intervals' AND column_name = 'dur'"
        ).fetchall()
        assert comment.startswith("how long it was in it, ns")
    assert (
        "cannot be written" in analyze("export", "duckdb", tmp_path / "gone", "-o", "no/x").stderr
    )


def test_times_are_utc(analyzed: Analyzed) -> None:
    table = pq.read_table(io.BytesIO(written(parquet.write, analyzed(scene()))))
    first = table["time"][0].as_py()
    assert first.tzinfo is not None
    assert first.to_pydatetime().astimezone(datetime.UTC).isoformat() == (
        "2023-11-14T22:13:20.000100+00:00"
    )
