"""Ctrl-C stops a query and the building of an index, pressed once or several times."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from gtrace_analyze import engine
from gtrace_analyze._interrupts import interruptible, undisturbed
from gtrace_analyze.engine import connect
from synth import Recording

ENDLESS = "SELECT sum(a.range * b.range) FROM range(1_000_000) AS a, range(1_000_000) AS b"


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Ctrl-C as in a terminal: what a shell starts in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    b = Recording()
    b.go(7, parent=1, ts=1, at="main.main main.go:3").run(2).park(3, "select", ["main.f main.go:1"])
    return b.write(tmp_path / "trace")


def test_a_query_is_interrupted_as_python_is() -> None:
    # With more threads, which of them runs the query and hears of it is a matter of chance.
    con = duckdb.connect(config={"threads": 1})
    timer = threading.Timer(1, press)
    timer.start()
    with pytest.raises(KeyboardInterrupt), interruptible():
        con.execute(ENDLESS)
    timer.join()
    assert con.execute("SELECT 42").fetchall() == [(42,)]


def test_a_build_that_is_stopped_ends_properly_however_often_it_is(
    trace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_INDEX_FROM", 1)
    interrupt = engine.Engine.interrupt
    stopped: list[engine.Engine] = []

    def again(self: engine.Engine) -> None:
        stopped.append(self)
        press()
        interrupt(self)

    monkeypatch.setattr(engine.Engine, "interrupt", again)
    with pytest.raises(KeyboardInterrupt):
        connect(trace, lambda what, done, total: press() if done > total // 2 else None)
    assert len(stopped) == 2
    assert [thread.name for thread in threading.enumerate() if "Pool" in thread.name] == []
    assert [p.name for p in trace.iterdir() if "index" in p.name] == []


def test_what_ends_anyway_is_not_disturbed() -> None:
    with undisturbed():
        press()
    with pytest.raises(KeyboardInterrupt):
        press()


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="another"), interruptible():
        raise RuntimeError("another")
