"""ClickHouse, as chdb: the same engine in this process, by clickhouse-connect or from the files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from chdb import session

from export.scene import US, scene
from export.servers import free_port
from gtrace_analyze.engine import Engine, connect
from gtrace_analyze.export import clickhouse
from live.recording import ENV, analyze
from synth import Recording, alive

Query = Callable[[str], list[list[Any]]]
NAME = "synth/20231114T221320.000Z/4194304"

COMPARED = {
    "wait_groups": "pid, site, reason, created_at, unreachable, created_by, system, count, goids, "
    "oldest_ns, newest_ns, uncertain, returned, objects, function, file, line, ended, "
    "ended_longest_ns",
    "park_stats": "level, system, reason, function, site, pid, obj, waits, total_ns, p50_ns, "
    "p90_ns, p99_ns, max_ns, open, open_ns, open_longest_ns, uncertain",
    "latency_stats": "level, system, cause, function, created_by, created_at, runs, total_ns, "
    "p50_ns, p90_ns, p99_ns, max_ns, open, open_longest_ns",
}


@contextmanager
def clickhouse_at(data: Path) -> Iterator[Query]:
    """What ClickHouse answers from this directory."""
    opened = session.Session(str(data))

    def query(sql: str) -> list[list[Any]]:
        text = opened.query(
            f"{sql} SETTINGS output_format_json_quote_64bit_integers = 0", "JSONCompact"
        )
        rows: list[list[Any]] = json.loads(str(text))["data"]
        return rows

    try:
        yield query
    finally:
        opened.close()


def _busy() -> Recording:
    """Waits of many lengths, ended and open, in groups; losses; searches of memory."""
    b = scene()
    for n in range(23):
        worker = b.go(100 + n, parent=7, ts=(500 + n) * US, at="main.pool main.go:70",
                      start="main.worker main.go:80")  # fmt: skip
        for turn in range(n % 7):
            start = (600 + 100 * turn + n) * US
            worker.run(start + n * n).park(start + 3000, "chan receive", ["main.worker main.go:81"])
            worker.ready(start + 4000 + 17 * n * (turn + 1), by=7)
        worker.run((1400 + n) * US)
        worker.park((1500 + n) * US, "select" if n % 2 else "chan receive",
                    ["main.worker main.go:99"] if n % 3 else None, obj=n)  # fmt: skip
    # Nine tenths of the way between these two lies half a nanosecond.
    b.go(200, parent=7, ts=700 * US).run(701 * US).park(702 * US, "semacquire").ready(
        702 * US + 3487
    )
    b.go(200).run(710 * US).park(720 * US, "semacquire").ready(720 * US + 27_902).exit(800 * US)
    b.snapshot(
        2000 * US,
        *(alive(100 + n, reason="select", reachable=n % 4 > 0) for n in range(1, 23, 2)),
        alive(1, reason="sleep", labels=[("a", 'it\'s "b"\\')]),
    )
    return b.gap(650 * US, 660 * US, lost=3)


def _loaded(trace: Path, data: Path, *options: str) -> None:
    done = analyze("export", "clickhouse", trace, "--server", f"chdb://{data}", *options)
    assert done.returncode == 0, done.stderr


def _same(engine: Engine, query: Query, database: str = "gtrace") -> None:
    """All rows, and all values but for quantiles that lie at half a nanosecond: 1 ns either way."""
    for view, columns in COMPARED.items():
        names = columns.split(", ")
        expected = [list(row.values()) for row in engine.rows(f"SELECT {columns} FROM {view}")]
        found = query(f"SELECT {columns} FROM {database}.{view}")
        rounded = [n for n, name in enumerate(names) if re.fullmatch(r"p\d+_ns", name)]
        exact = [n for n in range(len(names)) if n not in rounded]

        def key(row: list[Any], exact: list[int] = exact) -> str:
            return repr([row[n] for n in exact])

        assert sorted(map(key, found)) == sorted(map(key, expected)), view
        for mine, theirs in zip(sorted(found, key=key), sorted(expected, key=key), strict=True):
            for n in rounded:
                assert (mine[n] is None) == (theirs[n] is None), (view, theirs)
                assert abs((mine[n] or 0) - (theirs[n] or 0)) <= 1, (view, theirs)
        assert found, view


def test_leaks_park_and_latency_are_those_of_duckdb(tmp_path: Path) -> None:
    trace, data = _busy().write(tmp_path / "trace.parquet"), tmp_path / "data"
    _loaded(trace, data)
    engine = connect(trace)
    with clickhouse_at(data) as query:
        _same(engine, query)
        for table in ("events", "intervals", "goroutines", "snapshots", "stacks", "frames", "gaps"):
            source = "stg_goroutines" if table == "snapshots" else table
            source = "stg_gaps" if table == "gaps" else source
            (row,) = engine.rows(f"SELECT count(*) AS n FROM {source}")
            assert query(f"SELECT count() FROM gtrace.{table}") == [[row["n"]]]
            assert row["n"] > 0
        assert query("SELECT time, ts, ts_end, dur FROM gtrace.intervals WHERE goid = 7 AND "
                     "reason = 'chan receive'") == [
            ["2023-11-14 22:13:20.000160000", 160 * US, 260 * US, 100 * US]
        ]  # fmt: skip
        label = "SELECT JSONExtractString(labels, 'a') FROM gtrace.goroutines WHERE goid = 1"
        assert query(label) == [['it\'s "b"\\']]
        judged = query("SELECT DISTINCT verdict FROM gtrace.verdicts")
        assert {v for (v,) in judged} <= {"leak", "suspect", "idle"}
        assert judged


def test_loading_again_replaces_and_others_stay(tmp_path: Path) -> None:
    trace, data = _busy().write(tmp_path / "trace.parquet"), tmp_path / "data"
    _loaded(trace, data)
    _loaded(trace, data)
    _loaded(trace, data, "--name", "it's another")
    with clickhouse_at(data) as query:
        rows = dict(query("SELECT recording, count() FROM gtrace.events GROUP BY recording"))
        assert rows == {NAME: len(_busy().rows), "it's another": len(_busy().rows)}


def test_files_to_load(tmp_path: Path) -> None:
    trace, out = _busy().write(tmp_path / "trace.parquet"), tmp_path / "ch"
    done = analyze("export", "clickhouse", trace, "-o", out, "--database", "of mine", "--ttl", "7")
    assert done.returncode == 0, done.stderr
    assert "clickhouse-client --queries-file schema.sql load.sql" in done.stderr
    program = (
        "import sys; from chdb import session\n"
        "s = session.Session(sys.argv[1])\n"
        "for file in ('schema.sql', 'load.sql', 'load.sql'):\n"
        "    for statement in open(file).read().split(';\\n'):\n"
        "        if statement.strip(): s.query(statement)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "data")]
    subprocess.run(command, cwd=out, check=True, timeout=120)
    with clickhouse_at(tmp_path / "data") as query:
        _same(connect(trace), query, "`of mine`")
        ((created,),) = query(
            "SELECT create_table_query FROM system.tables "
            "WHERE database = 'of mine' AND name = 'intervals'"
        )
        assert "TTL loaded + toIntervalDay(7)" in created
        assert "ORDER BY (recording, pid, goid, ts)" in created
        assert "`ts` Int64 COMMENT 'when it entered the state, ns" in created
        assert "CODEC(Delta(8), ZSTD(1))" in created


def test_without_an_end(tmp_path: Path) -> None:
    engine = connect(scene().write(tmp_path / "trace.parquet"))
    assert not any("TTL" in statement for statement in clickhouse.schema(engine, ttl_days=0))


@pytest.mark.live
@pytest.mark.go
def test_a_real_recording(lives: Path, tmp_path: Path) -> None:
    _loaded(lives, tmp_path / "data")
    with clickhouse_at(tmp_path / "data") as query:
        _same(connect(lives), query)


def test_bad_input(tmp_path: Path) -> None:
    trace = scene().write(tmp_path / "trace.parquet")
    nobody = f"127.0.0.1:{free_port()}"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    for options, status, said in [
        ([], 2, "give --server URL, or -o DIRECTORY for files to load"),
        (["--server", f"http://joe:secret@{nobody}"], 1,
         f"gtrace-analyze: http://{nobody}: Connection refused\n"),
        (["--server", nobody], 2, f"--server {nobody}: is no URL; write http://localhost:8123"),
        (["-o", str(tmp_path / "full")], 2, "is not empty; --force replaces it"),
        (["-o", "-"], 2, "this format is a directory of files"),
    ]:  # fmt: skip
        done = analyze("export", "clickhouse", trace, *options)
        assert said in done.stderr
        assert done.returncode == status
        assert "secret" not in done.stderr
        assert "Traceback" not in done.stderr


def test_what_is_not_installed_is_named(tmp_path: Path) -> None:
    trace = scene().write(tmp_path / "trace.parquet")
    program = (
        "import sys; sys.modules['clickhouse_connect'] = None\n"
        "from gtrace_analyze.commands import main; main()"
    )
    command = [sys.executable, "-c", program, "export", "clickhouse", str(trace), "--server", "x"]
    done = subprocess.run(command, env=ENV, capture_output=True, text=True)
    assert done.returncode == 1
    assert "pip install 'gtrace[clickhouse]'" in done.stderr
    assert "Traceback" not in done.stderr
