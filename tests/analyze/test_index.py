"""The index: built once, kept beside the recording or in the cache, thrown away when stale."""

from __future__ import annotations

import os
import resource
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import duckdb
import pytest

from gtrace_analyze import _cycles, catalog, engine
from gtrace_analyze._errors import TraceError
from gtrace_analyze.analyses import latency, park
from gtrace_analyze.commands import cli
from gtrace_analyze.engine import connect
from synth import Recording, edit_manifest

NOBODY = 65534


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that every user may look into."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def trace(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recording that is large enough for an index, and a cache of its own."""
    monkeypatch.setattr(engine, "_INDEX_FROM", 1)
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))
    b = Recording()
    b.go(7, parent=1, ts=1, at="main.main main.go:3").run(2).park(3, "select", ["main.f main.go:1"])
    return b.write(place / "trace")


def built(trace: Path, query: Callable[[engine.Engine], object] = lambda _: None) -> list[str]:
    """Open the recording; which tables had to be computed."""
    steps: list[str] = []
    opened = connect(trace, lambda what, done, total: steps.append(what))
    query(opened)
    assert opened.rows("SELECT goid FROM goroutines") == [{"goid": 7}]
    opened.close()
    return steps


def test_it_is_built_at_the_first_opening_only(trace: Path) -> None:
    assert built(trace)[-1:] == ["done"]
    with duckdb.connect(str(trace / "_index.duckdb"), read_only=True) as con:
        stored = {
            name for (name,) in con.execute("SELECT table_name FROM duckdb_tables").fetchall()
        }
    assert stored == {"_index", *(o.name for o in catalog.load() if o.kind == "table")}
    assert built(trace) == []
    assert sorted(p.name for p in trace.iterdir() if "index" in p.name) == ["_index.duckdb"]


def test_progress_counts_chunks_and_tables_up_to_all(
    trace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_cycles, "EVENTS", 1)
    steps: list[tuple[str, int, int]] = []
    connect(trace, lambda *step: steps.append(step)).close()
    names, done, totals = zip(*steps, strict=True)
    tables = {o.name for o in catalog.load() if o.kind == "table"}
    assert set(names) <= {*tables, "done"}
    assert names[0] == "int_cycles"
    assert {"goroutines", "wait_groups", "park_stats"} <= {*names}
    assert [*done] == sorted(done)
    assert done[0] == 0
    assert steps[-1] == ("done", totals[0], totals[0])
    assert set(totals) == {len(tables) + 3}


def test_it_can_be_open_twice_in_one_process(trace: Path) -> None:
    first, second = connect(trace), connect(trace)
    assert first.rows("FROM goroutines") == second.rows("FROM goroutines") != []
    first.close()
    assert len(second.rows("FROM goroutines")) == 1
    second.close()


def test_it_gives_the_same_answers(trace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def everything(opened: engine.Engine) -> dict[str, object]:
        return {
            o.name: sorted(opened.query(f"FROM {o.name}").to_pylist(), key=repr)
            for o in catalog.load()
            if o.kind == "table"
        }

    opened = connect(trace)
    indexed = everything(opened)
    opened.close()
    monkeypatch.setattr(engine, "_INDEX_FROM", 1 << 60)
    opened = connect(trace)
    assert everything(opened) == indexed
    opened.close()


@pytest.mark.parametrize("how", ["recording", "sql", "damaged"])
def test_a_stale_one_is_built_anew(trace: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    built(trace)
    if how == "recording":
        edit_manifest(trace, stop_reason="other")
    elif how == "sql":
        monkeypatch.setattr(catalog, "digest", lambda: "other")
    else:
        (trace / "_index.duckdb").write_bytes(b"rubbish" * 1000)
    assert built(trace)[-1] == "done"
    assert built(trace) == []


def test_it_goes_to_the_cache_where_the_recording_is_read_only(trace: Path) -> None:
    cache = trace.parent / "cache"
    cache.mkdir(mode=0o777)
    cache.chmod(0o777)
    trace.chmod(0o555)
    user = os.geteuid()
    if os.access(trace, os.W_OK):  # root, whom no mode keeps out
        os.seteuid(NOBODY)
    try:
        assert built(trace)[-1] == "done"
        assert built(trace) == []
    finally:
        os.seteuid(user)
        trace.chmod(0o755)
    assert not (trace / "_index.duckdb").exists()
    assert len(list(cache.glob("gtrace/index/*.duckdb"))) == 1


@pytest.fixture
def full() -> Iterator[None]:
    """No file can become larger than what an index begins with, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16_384, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("full")
def test_without_room_for_it_the_answers_are_the_same_and_why_is_told(
    trace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = connect(trace)
    assert opened.rows("SELECT goid, waits FROM goroutines") == [{"goid": 7, "waits": 1}]
    assert "Could not write" in (opened.unkept or "")
    opened.close()
    assert [p for p in trace.parent.rglob("*index*") if p.is_file()] == []
    cli.main(["park", str(trace)], standalone_mode=False)
    printed, told = capsys.readouterr()
    assert "main.f:1" in printed
    assert f"note: {trace}: no index is kept (" in told


def test_nothing_is_kept_of_a_build_that_failed(trace: Path) -> None:
    def stop(what: str, done: int, total: int) -> None:
        if done >= 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        connect(trace, stop)
    assert [p.name for p in trace.iterdir() if "index" in p.name] == []
    assert built(trace)[-1] == "done"


def test_a_kind_of_event_of_a_newer_recorder_is_named(tmp_path: Path) -> None:
    b = Recording()
    b.go(1, 0, 0)
    b.event(10, "teleport", 1)
    path = b.write(tmp_path / "trace")
    with pytest.raises(TraceError, match=r"recorded by gtrace .*'teleport'.*update this one"):
        connect(path)


@pytest.mark.parametrize(
    ("table", "levels"), [("park_stats", park.LEVELS), ("latency_stats", latency.LEVELS)]
)
def test_levels_may_be_made_one_after_the_other(
    table: str, levels: Iterable[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    b = Recording(duration=1000)
    for goid, wait in enumerate((10, 20, 30, 45), start=1):
        stack = [f"main.{'fg'[goid % 2]} main.go:{goid % 2}"]
        g = b.go(goid, ts=goid, at=f"main.main main.go:{goid % 3}").run(10 * goid)
        g.park(100, "chan receive", stack, obj=goid % 2).ready(100 + wait).run(200)
    g.park(300, "select", ["main.h main.go:5"])
    path = b.write(tmp_path / "trace")

    def rows(one_by_one_from: int) -> list[str]:
        monkeypatch.setattr(engine, "_BY_LEVEL_FROM", one_by_one_from)
        opened = connect(path)
        found = opened.rows(f"FROM {table}")
        opened.close()
        assert {row["level"] for row in found} == set(levels)
        return sorted(map(repr, found))

    assert rows(0) == rows(1 << 60)


def test_many_events_may_take_more_memory_but_not_more_than_there_is() -> None:
    with duckdb.connect() as con:
        few, many = (engine._memory(con, events) for events in (1_000_000, 1_000_000_000_000))
        con.execute("SET memory_limit = '1GiB'")
        assert engine._memory(con, 1_000_000) == 1 << 30
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert few <= 3_000_000_000
    assert few <= many < pages


def test_too_little_memory_is_told_with_what_to_do(
    trace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_MEMORY", 300_000)
    with pytest.raises(TraceError, match=r"trace: 3 events take more memory .*machine with more"):
        connect(trace)
    assert [p for p in trace.parent.rglob("*index*") if p.is_file()] == []
