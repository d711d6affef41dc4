"""What the summary prints, of recordings where the numbers are known by construction."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyze import test_leaks
from gtrace_analyze.commands import cli
from synth import Recording, alive

SECOND = 10**9
HELPER = "runtime.forcegchelper proc.go:9"


def service(doubtful: bool = True, sure: bool = True) -> Recording:
    """24 forgotten for sure, 8 that may be, others that come back."""
    b = Recording(duration=10 * SECOND)
    b.snapshot(
        5,
        alive(1, reason="sleep", start="runtime.main proc.go:1", stack=["main.main main.go:9"]),
        alive(2, reason="force gc (idle)", start=HELPER, stack=[HELPER]),
    )
    if sure:
        test_leaks.forgotten(b, 24)
    for i in range(8 if doubtful else 0):
        ts = i * SECOND
        go = b.go(200 + i, parent=1, ts=ts, at="main.follow main.go:20", start="main.tail t.go:1")
        go.run(ts + 10).park(ts + 20, "select", ["main.tail t.go:5"])
    for i in range(10):
        ts = i * SECOND
        go = b.go(300 + i, parent=1, ts=ts, at="main.serve main.go:30", start="main.handle h.go:1")
        go.run(ts + 10).park(ts + 20, "chan send", ["main.handle h.go:5"])
        go.ready(ts + 1020, by=1).run(ts + 1030).exit(ts + 1040)
    return b


def said(b: Recording, path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    cli.main(["summary", str(b.write(path))], standalone_mode=False)
    return capsys.readouterr().out


def test_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    out = said(service(), tmp_path / "trace", capsys)
    facts, sites, places = (part.splitlines() for part in out.split("\n\n"))
    told = {line[:11].strip(): " ".join(line[12:].split()) for line in facts if line[0] != " "}
    assert told["recording"].endswith("trace, plan sched, stopped: duration")
    assert told["time"].startswith("10.0s from ")
    # 42 made, each run and parked; of ten of those it is told that they went on, and ended.
    assert told["events"].startswith("156 (16/s, ")
    assert told["events"].endswith(" each): 52 run, 42 create, 42 park, 10 exit, …")
    assert told["goroutines"] == (
        "2 at the start, 42 created, 10 ended, 34 at the end (1 of them the runtime's)"
    )
    assert [line.split() for line in sites[1:]] == [
        ["CREATED", "ENDED", "LIVE", "GOROUTINE", "CREATED", "BY"],
        ["24", "0", "24", "main.await", "main.ask"],
        ["8", "0", "8", "main.tail", "main.follow"],
        ["10", "10", "0", "main.handle", "main.serve"],
        ["0", "0", "1", "runtime.main", "-"],
    ]
    assert [line.split() for line in places[1:]] == [
        ["TIME", "WAITS", "P50", "OPEN", "REASON", "FUNCTION"],
        ["2m16s", "0", "-", "24", "chan", "receive", "main.await"],
        ["52.0s", "0", "-", "8", "select", "main.tail"],
        ["10.0s", "0", "-", "1", "sleep", "main.main"],
        ["10.0µs", "10", "1.00µs", "0", "chan", "send", "main.handle"],
    ]


@pytest.mark.parametrize(
    ("sure", "doubtful", "leaks"),
    [
        (True, True, "24 goroutines: 24 in main.await; 8 more are suspect; see"),
        (True, False, "24 goroutines: 24 in main.await; see"),
        (False, True, "none for sure; 8 are suspect: 8 in main.tail; see"),
        (False, False, "none found"),
    ],
)
def test_what_is_only_suspect_is_told_apart(
    sure: bool, doubtful: bool, leaks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = said(service(doubtful, sure), tmp_path / "trace", capsys)
    assert f"leaks {leaks}" in " ".join(out.split())
