"""What users may run as SQL: queries over the recording, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gtrace_analyze._errors import QueryError
from gtrace_analyze.engine import Engine, connect
from live.recording import analyze
from synth import Recording

QUERIES = [
    "SELECT count(*) FROM events",
    "FROM goroutines",
    "WITH x AS (SELECT 1 AS y) SELECT y FROM x",
    "VALUES (1)",
    "DESCRIBE intervals",
    "SHOW TABLES",
    "SUMMARIZE intervals",
    "EXPLAIN SELECT * FROM intervals",
    "-- a comment\nEXPLAIN ANALYZE SELECT * FROM intervals",
    "EXPLAIN (FORMAT json) SELECT 1",
    "PIVOT intervals ON state IN ('running', 'waiting') USING count(*) GROUP BY goid",
]
# With {part} for a file of the recording, {other} for one beside it.
REFUSED = [
    "CREATE TABLE mine AS SELECT 1",
    "DELETE FROM goroutines",
    "EXPLAIN ANALYZE DELETE FROM goroutines",
    "/* a */ explain analyze DROP TABLE goroutines",
    "EXPLAIN (ANALYZE) CREATE TABLE mine AS SELECT 1",
    "SELECT 1; DROP TABLE goroutines",
    "SELECT 1; SELECT 2",
    "ATTACH '{other}'",
    "COPY (SELECT 1) TO '{other}'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{other}'",
    "EXPLAIN ANALYZE COPY (SELECT 1 AS ts) TO '{part}' (FORMAT parquet, USE_TMP_FILE false)",
    "EXPORT DATABASE '{other}'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET allowed_paths = ['/']",
    "PRAGMA enable_profiling",
    "CALL pragma_version()",
    "PREPARE q AS SELECT 1",
    "FROM '{other}'",
    "FROM read_csv('{other}')",
    "FROM read_text('{other}')",
    "FROM read_blob('{other}')",
    "FROM read_json('{other}')",
    "FROM sniff_csv('{other}')",
    "FROM glob('{other}*')",
    "FROM query('COPY (SELECT 1) TO ''{other}''')",
    "FROM read_parquet('https://127.0.0.1/x.parquet')",
    "SELECT getenv('HOME')",
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One for all: that a query changes nothing is what is shown here."""
    b = Recording()
    b.go(1, parent=2, ts=1).run(2).park(3, "select", ["main.f main.go:1"])
    with closing(connect(b.write(tmp_path_factory.mktemp("sql") / "trace.parquet"))) as opened:
        yield opened


@pytest.mark.parametrize("sql", QUERIES)
def test_queries_run(engine: Engine, sql: str) -> None:
    assert engine.query(sql).num_rows > 0


@pytest.mark.parametrize("sql", REFUSED)
def test_all_else_is_refused_and_nothing_is_touched(
    engine: Engine, tmp_path: Path, sql: str
) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    part = engine.recording.parts[0].path
    before = part.read_bytes()
    with pytest.raises(QueryError):
        engine.query(sql.format(other=other, part=part))
    assert other.read_text() == "a,b\n1,2\n"
    assert part.read_bytes() == before
    assert engine.rows("SELECT count(*) AS n FROM goroutines") == [{"n": 1}]


def test_an_answer_that_is_kept_is_not_its_reader_s(engine: Engine) -> None:
    first = engine.rows("FROM recording")
    first[0].clear()
    first.clear()
    assert engine.rows("FROM recording") == engine.table("FROM recording").to_pylist()


def test_python_s_own_tables_are_out_of_reach(engine: Engine) -> None:
    mine = engine.table("SELECT 1 AS secret")
    assert mine.num_rows == 1
    with pytest.raises(QueryError, match="mine"):
        engine.query("FROM mine")


def test_bad_sql_gets_one_clear_line(tmp_path: Path) -> None:
    b = Recording()
    b.go(1, parent=2, ts=1)
    trace = b.write(tmp_path / "t")
    for sql, line in [
        ("SELEC 1", 'syntax error at or near "SELEC"'),
        ("SELECT goidd FROM events", "goidd"),
        ("FROM nowhere", "nowhere"),
        ("", "no SQL given"),
        ("DROP TABLE goroutines", "only queries can be run here, not DROP"),
    ]:
        done = analyze("sql", trace, sql)
        assert done.returncode == 1
        assert line in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert done.stdout == ""


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    b = Recording()
    b.go(1, parent=2, ts=1).run(2).park(3, "select", ["main.f main.go:1"])
    return b.write(tmp_path_factory.mktemp("rows") / "trace.parquet")


def answer(trace: Path, *arguments: str) -> str:
    done = analyze("-q", "sql", trace, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("query", "text", "row", "csv"),
    [
        ("SELECT 1 a, 2 a", "a  a_1\n1    2\n", {"a": 1, "a_1": 2}, "a,a_1\n1,2\n"),
        ("SELECT 1 a, 2 a_1, 3 a", "a  a_1  a_2\n1    2    3\n",
         {"a": 1, "a_1": 2, "a_2": 3}, "a,a_1,a_2\n1,2,3\n"),
        ("SELECT sum(n) AS s FROM (VALUES (30000000000), (5)) AS v(n)",
         "          s\n30000000005\n", {"s": 30000000005}, "s\n30000000005\n"),
        ("SELECT TIMESTAMP_NS '2026-01-02 03:04:05.123456789' AS t",
         "t\n2026-01-02T03:04:05.123456789\n", {"t": "2026-01-02T03:04:05.123456789"},
         "t\n2026-01-02T03:04:05.123456789\n"),
        ("SELECT 'nan'::DOUBLE AS x, ['inf'::DOUBLE, 1] AS y", "  x  y\nnan  [inf, 1.0]\n",
         {"x": None, "y": [None, 1.0]}, 'x,y\nnan,"[null, 1.0]"\n'),
    ],
)  # fmt: skip
def test_values_are_printed_as_they_are(
    trace: Path, query: str, text: str, row: dict[str, object], csv: str
) -> None:
    assert answer(trace, query) == text
    (found,) = json.loads(answer(trace, query, "--json"), parse_constant=pytest.fail)
    assert found == row
    assert answer(trace, query, "--csv") == csv


def test_sums_are_sorted_as_numbers(trace: Path) -> None:
    out = answer(trace, "SELECT sum(n) AS s FROM range(3) AS r(n) GROUP BY n", "--sort", "s")
    assert out.split() == ["s", "2", "1", "0"]


@pytest.mark.parametrize("query", ["SELECT [1] AS a", "SELECT {'x': 1} AS a"])
def test_lists_have_no_order(trace: Path, query: str) -> None:
    done = analyze("sql", trace, query, "--sort", "a")
    assert (done.returncode, "cannot sort by 'a'" in done.stderr) == (2, True)


def test_a_plan_is_printed_as_it_is_drawn(trace: Path) -> None:
    lines = answer(trace, "EXPLAIN SELECT 1").splitlines()
    assert len(lines) > 3
    assert "explain_key" not in lines[0]


def test_numbers_are_not_cut(trace: Path) -> None:
    wide = "repeat('x', 90) AS x, '123456789012345678' AS y, 'abcdefghijklmnopqrstuvwxyz' AS z"
    assert "123456789012345678" in answer(trace, f"SELECT {wide}")
    assert max(map(len, answer(trace, f"SELECT {wide}").splitlines())) <= 80


def test_one_recording_at_a_time(trace: Path) -> None:
    trace.with_name("other.parquet").symlink_to(trace)
    done = analyze("sql", f"{trace.parent}/*.parquet", "SELECT 1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "takes one at a time" in done.stderr
