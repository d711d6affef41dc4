"""PostgreSQL, a real one on a socket, which is told nothing but by the export."""

from __future__ import annotations

import datetime
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest

from export.scene import US, scene
from export.servers import free_port, postgres, postgres_programs
from gtrace_analyze.engine import connect
from gtrace_analyze.export import _servers
from gtrace_analyze.selection import ALL
from live.recording import ENV, analyze
from synth import Recording, alive

pytestmark = pytest.mark.skipif(postgres_programs() is None, reason="apt-get install postgresql")
NAME = "synth/20231114T221320.000Z/4194304"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as address:
        yield address


def _query(server: str, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(server, options="-c search_path=gtrace") as con:
        return con.execute(sql.encode()).fetchall()


@pytest.fixture
def clean(server: str) -> str:
    with psycopg.connect(server, autocommit=True) as con:
        con.execute("DROP SCHEMA IF EXISTS gtrace CASCADE")
    return server


def _load(trace: Path, server: str, *options: str) -> str:
    done = analyze("export", "postgres", trace, "--server", server, *options)
    assert done.returncode == 0, done.stderr
    return done.stderr


def _recording() -> Recording:
    person = alive(1, reason="sleep", labels=[("user", 'a\0"b\\')])
    return scene().snapshot(1, person, alive(2, reason="", status="running")).gap(5, 6)


def test_rows_are_those_of_the_analyzer(clean: str, tmp_path: Path) -> None:
    trace = _recording().write(tmp_path / "trace.parquet", parts=3)
    said = _load(trace, clean)
    engine = connect(trace)
    total = 0
    for table in _servers.tables(engine):
        names = [c.name for c in table.columns if not c.json]
        found = _query(clean, f"SELECT {', '.join(names)} FROM {table.name}")
        expected = [
            tuple(_micros(row[name]) for name in names)
            for batch in _servers.rows(engine, table, NAME, ALL, 1000)
            for row in batch.to_pylist()
        ]
        found = [tuple(map(_micros, row)) for row in found]
        assert sorted(map(repr, found)) == sorted(map(repr, expected)), table.name
        assert expected, table.name
        total += len(found)
    assert f"wrote {total} rows in 14 of 14 parts of recording {NAME} to schema gtrace" in said
    ((label,),) = _query(clean, "SELECT labels ->> 'user' FROM goroutines WHERE goid = 1")
    assert label == 'a�"b\\'
    assert _query(clean, "SELECT time, ts FROM intervals WHERE goid = 7 AND ts = 160000") == [
        (datetime.datetime(2023, 11, 14, 22, 13, 20, 160, datetime.UTC), 160 * US)
    ]
    ((comment,),) = _query(
        clean,
        "SELECT col_description('intervals'::regclass, attnum) FROM pg_attribute "
        "WHERE attrelid = 'intervals'::regclass AND attname = 'dur'",
    )
    assert comment == "how long it was in it, ns; NULL while open"


def _micros(value: Any) -> Any:
    """Times to µs, which is all that PostgreSQL keeps, in UTC."""
    if isinstance(value, pd.Timestamp):
        value = value.round("us").to_pydatetime()
    return value.astimezone(datetime.UTC) if isinstance(value, datetime.datetime) else value


def test_an_empty_string_is_not_null(clean: str, tmp_path: Path) -> None:
    trace = _recording().write(tmp_path / "trace.parquet")
    _load(trace, clean)
    reasons = _query(clean, "SELECT reason FROM snapshots ORDER BY goid")
    assert reasons == [("sleep",), ("",)]
    assert _query(clean, "SELECT count(*) FROM events WHERE reason IS NULL AND kind <> 'park'") == [
        (9,)
    ]


def test_again_loads_nothing(clean: str, tmp_path: Path) -> None:
    trace = _recording().write(tmp_path / "trace.parquet", parts=3)
    _load(trace, clean)
    before = _query(clean, "SELECT part, rows, loaded FROM loads ORDER BY part")
    assert "wrote 0 rows in 0 of 14 parts" in _load(trace, clean)
    assert _query(clean, "SELECT part, rows, loaded FROM loads ORDER BY part") == before
    other = _load(trace, clean, "--name", "another")
    assert "14 of 14 parts of recording another" in other
    counts = _query(clean, "SELECT recording, count(*) FROM events GROUP BY 1 ORDER BY 1")
    assert counts == [("another", 12), (NAME, 12)]


def test_a_selection_takes_the_place_of_another(clean: str, tmp_path: Path) -> None:
    trace = _recording().write(tmp_path / "trace.parquet", parts=3)
    _load(trace, clean, "--goid", "7", "--to", "200us")
    seen = "SELECT kind FROM events ORDER BY ts"
    assert _query(clean, seen) == [("create",), ("run",), ("park",)]
    whole = "SELECT ts, ts_end FROM intervals WHERE state = 'waiting'"
    assert _query(clean, whole) == [(160 * US, 260 * US)]
    assert _query(clean, "SELECT from_ts, to_ts FROM recording") == [(0, 200 * US)]
    assert "wrote 0 rows" in _load(trace, clean, "--goid", "7", "--to", "200us")
    _load(trace, clean)
    assert _query(clean, "SELECT count(*) FROM events") == [(12,)]
    assert _query(clean, "SELECT from_ts, to_ts FROM recording") == [(None, None)]
    nobody = analyze("export", "postgres", trace, "--server", clean, "--goid", "99")
    assert nobody.returncode == 2
    assert nobody.stderr.endswith("nothing to export: no goroutine matches the selection\n")


def test_what_has_grown_is_added(clean: str, tmp_path: Path) -> None:
    """Three events lie in the part in progress, which then becomes a part like the others."""
    early = _recording().write(tmp_path / "early.parquet", parts=1, in_progress=3)
    _load(early, clean)
    assert _query(clean, "SELECT part, count(*) FROM events GROUP BY 1 ORDER BY 1") == [
        ("in progress 0", 3), ("part-00000.parquet", 9),
    ]  # fmt: skip
    loaded = "SELECT loaded FROM loads WHERE part = 'part-00000.parquet'"
    before = _query(clean, loaded)
    # The same first part, and the rest in a second.
    late = tmp_path / "late.parquet"
    _recording().write(late, parts=1, in_progress=3)
    _finish(late)
    _load(late, clean)
    assert _query(clean, "SELECT part, count(*) FROM events GROUP BY 1 ORDER BY 1") == [
        ("part-00000.parquet", 9), ("part-00001.parquet", 3),
    ]  # fmt: skip
    assert _query(clean, loaded) == before
    assert _query(clean, "SELECT status FROM recording") == [("stopped",)]


def _finish(late: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gtrace_rec", "recover", str(late)],
        env=ENV, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_part_is_there_whole_or_not_at_all(clean: str, tmp_path: Path) -> None:
    """A server that refuses one of the tables: what came before stays, and is not sent again."""
    trace = _recording().write(tmp_path / "trace.parquet", parts=3)
    _load(trace, clean)
    with psycopg.connect(clean, autocommit=True) as con:
        con.execute("TRUNCATE gtrace.loads, gtrace.events, gtrace.intervals, gtrace.stacks")
        con.execute("ALTER TABLE gtrace.intervals ADD CONSTRAINT x CHECK (ts < 300000)")
    done = analyze("export", "postgres", trace, "--server", clean)
    assert done.returncode == 1
    assert 'new row for relation "intervals" violates check constraint "x"; 4 parts loaded' in (
        done.stderr
    )
    assert "Traceback" not in done.stderr
    assert _query(clean, "SELECT count(*) FROM intervals") == [(0,)]
    assert _query(clean, "SELECT count(*) FROM events") == [(12,)]
    with psycopg.connect(clean, autocommit=True) as con:
        con.execute("ALTER TABLE gtrace.intervals DROP CONSTRAINT x")
    assert "in 10 of 14 parts" in _load(trace, clean)


def test_two_loads_at_once(clean: str, tmp_path: Path) -> None:
    trace = _recording().write(tmp_path / "trace.parquet", parts=3)
    threads = [threading.Thread(target=_load, args=(trace, clean)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _query(clean, "SELECT count(*) FROM events") == [(12,)]
    assert _query(clean, "SELECT count(*) FROM loads") == [(14,)]


@pytest.mark.live
@pytest.mark.go
def test_a_real_recording(lives: Path, clean: str) -> None:
    _load(lives, clean)
    engine = connect(lives)
    sql = (
        "SELECT reason, count(*), sum(dur)::BIGINT FROM intervals WHERE state = 'waiting' "
        "GROUP BY 1"
    )
    expected = engine.table(sql.replace("reason,", "reason::VARCHAR AS reason,", 1)).to_pylist()
    assert sorted(_query(clean, sql), key=str) == sorted(
        (tuple(row.values()) for row in expected), key=str
    )


def test_bad_input(tmp_path: Path, server: str) -> None:
    trace = scene().write(tmp_path / "trace.parquet")
    port = free_port()
    for address, status, said in [
        (f"postgresql://joe:secret@127.0.0.1:{port}/db", 1, f"postgresql://127.0.0.1:{port}/db: "),
        ("rubbish", 2, "--server: is no address of PostgreSQL"),
        (server.replace("/postgres?", "/nowhere?"), 1, 'database "nowhere" does not exist'),
    ]:
        done = analyze("export", "postgres", trace, "--server", address)
        assert said in done.stderr
        assert done.returncode == status
        assert len(done.stderr.splitlines()) == 1
        assert "secret" not in done.stderr


def test_what_is_not_installed_is_named(tmp_path: Path) -> None:
    trace = scene().write(tmp_path / "trace.parquet")
    program = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from gtrace_analyze.commands import main; main()"
    )
    command = [sys.executable, "-c", program, "export", "postgres", str(trace)]
    done = subprocess.run(command, env=ENV, capture_output=True, text=True)
    assert done.returncode == 1
    assert "pip install 'gtrace[postgres]'" in done.stderr
    assert "Traceback" not in done.stderr
