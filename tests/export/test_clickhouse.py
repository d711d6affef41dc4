"""ClickHouse, as chdb: the same engine in this process, by clickhouse-connect or from the files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from chdb import session

from analyze import test_leaks, test_unparked
from export.scene import US, scene
from export.servers import free_port
from gtrace_analyze.analyses import latency, leaks, park
from gtrace_analyze.engine import Engine, connect
from gtrace_analyze.export import _servers, clickhouse
from gtrace_analyze.selection import ALL, Selection
from live.recording import ENV, analyze
from synth import Recording, alive

Query = Callable[[str], list[list[Any]]]
SECOND = 10**9
NAME = "synth/20231114T221320.000Z/4194304"

COMPARED = {
    "creation_trends": "pid, created_at, created_by, created, ended, growth_per_s, rises",
    "wait_groups": "pid, site, reason, created_at, unreachable, reachable, created_by, "
    "start_function, system, count, goids, ages, stack_id, oldest_ns, newest_ns, oldest_ts, "
    "uncertain, returned, objects, obj, passed_over, passed_over_ns, at_start, joins, "
    "certain_joins, attending, function, file, line, ended, ended_longest_ns, last_end_ts, loops",
    "unparked_groups": "pid, site, doing, created_at, created_by, start_function, count, goids, "
    "ages, stack_id, oldest_ns, newest_ns, at_start, function, file, line",
    "park_stats": "level, system, reason, function, site, file, line, pid, obj, waits, total_ns, "
    "p50_ns, p90_ns, p99_ns, max_ns, open, open_ns, open_longest_ns, uncertain, censored, km50_ns, "
    "km90_ns, km99_ns",
    "latency_stats": "level, system, cause, function, created_by, created_at, runs, total_ns, "
    "p50_ns, p90_ns, p99_ns, max_ns, open, open_longest_ns",
}
VERDICTS = (
    "pid, function, file, line, created_by, created_at, reason, count, goids, oldest_ns, "
    "newest_ns, verdict, growth_per_s"
)
PARAMETERS = "$start, $end, $goids, $pattern"


def all_levels(macro: str, levels: Iterable[str]) -> str:
    each = (f"FROM {macro}({PARAMETERS}, '{level}')" for level in levels)
    return f"({' UNION ALL '.join(each)})"


# What a selection makes of a view.
OF_SELECTION = {
    "creation_trends": "creation_trends_between($start, $end)",
    "wait_groups": "wait_groups_between($start, $end)",
    "unparked_groups": "unparked_groups_between($start, $end)",
    "park_stats": all_levels("park_stats_at", park.LEVELS),
    "latency_stats": all_levels("latency_stats_at", latency.LEVELS),
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


def _same(
    query: Query, engines: dict[str, Engine], database: str = "gtrace", selection: Selection = ALL
) -> None:
    """All rows of these recordings, by their names, are the analyzer's, as `_alike` has it."""
    for view, columns in COMPARED.items():
        source = view if selection == ALL else OF_SELECTION[view]
        found = _by_recording(query, f"{database}.{view}", columns)
        for name, engine in engines.items():
            parameters = selection.parameters(engine).items()
            named = {k: v for k, v in parameters if f"${k}" in source}
            rows = engine.rows(f"SELECT {columns} FROM {source}", named)
            _alike(view, columns, found[name], [list(row.values()) for row in rows])
    found = _by_recording(query, f"{database}.leaks", VERDICTS)
    for name, engine in engines.items():
        judged = leaks.collect(engine, selection, include_idle=True)
        rows = [[getattr(group, field) for field in VERDICTS.split(", ")] for group in judged]
        _alike("leaks", VERDICTS, found[name], rows)


def _by_recording(query: Query, view: str, columns: str) -> dict[str, list[list[Any]]]:
    rows: dict[str, list[list[Any]]] = defaultdict(list)
    for name, *row in query(f"SELECT recording, {columns} FROM {view}"):
        rows[name].append(row)
    assert rows or view.endswith(".unparked_groups"), view  # of which few recordings have any
    return rows


def _alike(view: str, columns: str, found: list[list[Any]], expected: list[list[Any]]) -> None:
    """Quantiles that lie at half a nanosecond may be 1 ns off, floating points by a billionth."""
    names = columns.split(", ")
    near = [n for n, name in enumerate(names) if re.fullmatch(r"(p|km)\d+_ns|rises|growth.*", name)]

    def key(row: list[Any]) -> str:
        # No list is the same as an empty one, which ClickHouse has instead.
        return repr(
            [None if value == [] else value for n, value in enumerate(row) if n not in near]
        )

    assert sorted(map(key, found)) == sorted(map(key, expected)), view
    for mine, theirs in zip(sorted(found, key=key), sorted(expected, key=key), strict=True):
        for n in near:
            assert (mine[n] is None) == (theirs[n] is None), (view, names[n], theirs)
            off = 1 if names[n].endswith("_ns") else 1e-3 if view == "leaks" else 1e-9
            assert (mine[n] or 0) == pytest.approx(theirs[n] or 0, abs=off), (
                view,
                names[n],
                theirs,
            )


def _lock(holder_reason: str) -> Recording:
    """Three wait for a lock; the holder waits too, deep in the function that took the lock."""
    b = Recording(duration=10 * SECOND)
    inside = ["main.(*bank).pay bank.go:12", "main.serve main.go:9"]
    b.go(7, parent=1, ts=5, at="main.serve main.go:8").run(6).park(7, holder_reason, inside)
    for goid in (8, 9, 11):
        go = b.go(goid, parent=1, ts=goid, at="main.serve main.go:8").run(goid + 1)
        go.park(SECOND + goid, "sync.Mutex.Lock", test_leaks.LOCK, obj=0xA0)
    return b


def _never() -> Recording:
    """A wait that cannot end, one of main, one of the runtime, and a lock that is held twice."""
    b = Recording(duration=10 * SECOND)
    b.go(5, parent=1, ts=3, at="main.main main.go:3").run(4)
    b.go(5).park(5, "chan send (nil chan)", ["runtime.chansend1 chan.go:1", "main.push main.go:7"])
    twice = [*test_leaks.LOCK[:2], "main.(*bank).pay bank.go:14", test_leaks.LOCK[2]]
    b.go(7, parent=1, ts=5, at="main.serve main.go:8").run(6)
    b.go(7).park(7000, "sync.Mutex.Lock", twice, obj=0xA0)
    return b.snapshot(
        1,
        alive(
            1, reason="select (no cases)", start="runtime.main p.go:1", stack=["main.main m.go:1"]
        ),
        alive(2, reason="chan send (nil chan)", start="runtime.forcegchelper proc.go:9"),
    )


def _looks() -> Recording:
    """Nothing but snapshots, and a wait of which Go says that it cannot end."""
    b = Recording(plan="snapshot", duration=10 * SECOND)
    for second in range(10):
        leaking = [
            alive(100 + i, reason="chan receive", at="main.ask main.go:40", obj=i)
            for i in range(2 * second)
        ]
        b.snapshot(second * SECOND + 5, *leaking, alive(5, reason="select (no cases)"))
    return b


JUDGED = {
    "growth": lambda: test_leaks.forgotten(test_leaks.recording(), 23),
    "growth, doubtful": lambda: test_leaks.forgotten(test_leaks.recording(), 20).gap(
        9 * SECOND + 1, 9 * SECOND + 2, lost=1
    ),
    "trend": lambda: test_leaks.tickers(20),
    "trend, of more than at the start": test_leaks.joined_at_the_start,
    "sibling": lambda: test_leaks.siblings(lost=4, unproven=3),
    "lock": lambda: _lock("chan receive"),
    "lock, passing": lambda: _lock("IO wait"),
    "lock, by two ways": lambda: test_leaks.two_places(0xA0, 0xA0),
    "lock, not known": lambda: test_leaks.two_places(None, None),
    "lock, another one": lambda: test_leaks.two_places(0xA0, 0xB0),
    "forever": _never,
    "forever, looked at": _looks,
    "growth, of a pool": lambda: test_leaks.pool(wakes=3, gone=2),
    "growth, with clients": lambda: test_leaks.served("parent", 20),
    "growth, with clients made": lambda: test_leaks.served("child", 20),
    "growth, beside clients": lambda: test_leaks.served("sibling", 20),
    "growth, of few clients": lambda: test_leaks.served("parent", 20, clients=4),
    "growth, of handlers": test_leaks.streams,
    "growth, of handlers, two of each": lambda: test_leaks.streams(each=2),
    "growth, of streams": lambda: test_leaks.connection(test_leaks.MAKERS[1]),
    "growth, of streams of gRPC": lambda: test_leaks.connection(test_leaks.MAKERS[3]),
    "growth, connection gone": lambda: test_leaks.connection(test_leaks.MAKERS[0], ends=True),
    "unparked": lambda: test_unparked.more_and_more(waiting=2),
    "unparked, and none of them a leak": test_unparked.of_all_kinds,
    "unparked, not known": lambda: test_unparked.more_and_more("lifecycle"),
    "park": lambda: _busy(),
}


def test_leaks_park_and_latency_are_those_of_duckdb(tmp_path: Path) -> None:
    """Of recordings side by side, which together show all that the detectors look for."""
    data, engines = tmp_path / "data", {}
    for number, (name, make) in enumerate(JUDGED.items()):
        engines[name] = connect(make().write(tmp_path / f"{number}.parquet"))
        clickhouse.load(engines[name], f"chdb://{data}", "gtrace", name, ttl_days=30)
    with clickhouse_at(data) as query:
        _same(query, engines)
        found = query("SELECT verdict, arrayJoin(findings) FROM gtrace.leaks GROUP BY ALL")
        assert sorted(map(tuple, found)) == [
            ("idle", "idle"), ("leak", "forever"), ("leak", "growth"), ("leak", "lock"),
            ("leak", "unreachable"), ("suspect", "growth"), ("suspect", "lock"),
            ("suspect", "sibling"), ("suspect", "trend"), ("suspect", "unparked"),
        ]  # fmt: skip
        told = "SELECT recording, goids, verdict FROM gtrace.{} ORDER BY ALL"
        assert sorted(query(told.format("leaks"))) == sorted(
            [name, json.loads(goids), verdict]
            for name, goids, verdict in query(told.format("verdicts"))
        )


def test_tables_are_those_of_the_analyzer(tmp_path: Path) -> None:
    trace, data = _busy().write(tmp_path / "trace.parquet"), tmp_path / "data"
    _loaded(trace, data)
    engine = connect(trace)
    with clickhouse_at(data) as query:
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


def test_a_selection(tmp_path: Path) -> None:
    """Of a span of time, the views say what the analyzer says of it."""
    data = tmp_path / "data"
    span, of_one = Selection("1s", "9100ms"), Selection(goids=frozenset({101}))
    trace = test_leaks.tickers(20).write(tmp_path / "a.parquet")
    lost = test_leaks.siblings(4, 3).write(tmp_path / "b.parquet")
    with closing(connect(trace)) as engine, closing(connect(lost)) as other:
        clickhouse.load(engine, f"chdb://{data}", "gtrace", "span", 30, span)
        clickhouse.load(engine, f"chdb://{data}", "gtrace", "goids", 30, of_one)
        clickhouse.load(other, f"chdb://{data}", "gtrace", "other", 30, span)
        with clickhouse_at(data) as query:
            _same(query, {"span": engine, "other": other}, selection=span)
            assert query("SELECT DISTINCT goid FROM gtrace.events WHERE recording = 'goids'") == [
                [101]
            ]
            park = "SELECT waits, open FROM gtrace.park_stats WHERE recording = 'goids' LIMIT 1"
            assert query(park) == [[19, 1]]


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
        _same(query, {NAME: connect(trace)}, "`of mine`")
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
        engine = connect(lives)
        _same(query, {_servers.name_of(engine): engine})


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
