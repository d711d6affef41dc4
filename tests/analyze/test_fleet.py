"""Several recordings at once: every listing says which of them a row is from."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from live.recording import analyze
from synth import Recording, alive

LISTINGS = ["cpu", "deadlocks", "health", "latency", "leaks", "park"]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of two hosts, each with something for every command."""
    folder = tmp_path_factory.mktemp("fleet")
    for host in ("host-a", "host-b"):
        b = Recording()
        lock = {"reason": "sync.Mutex.Lock", "stack": ["main.f main.go:1"], "reachable": False}
        b.snapshot(1, alive(7, obj=9, refers=[9], **lock))
        go = b.go(8, parent=1, ts=2, at="main.main main.go:3", start="main.f main.go:4").run(3)
        go.park(9, "select", ["main.f main.go:5"]).ready(12, by=1).run(15).exit(20)
        b.write(folder / host)
    return folder


def run(command: str, *arguments: str | Path) -> str:
    done = analyze("-q", command, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("command", LISTINGS)
def test_every_listing_says_where_from(fleet: Path, command: str) -> None:
    hosts = {str(fleet / "host-a"), str(fleet / "host-b")}
    rows = json.loads(run(command, "--json", *hosts))
    assert {row["source"] for row in rows} == hosts
    table = csv.DictReader(io.StringIO(run(command, "--csv", *hosts)))
    assert {row["source"] for row in table} == hosts
    text = run(command, *hosts)
    assert "host-a" in text
    assert "host-b" in text


@pytest.mark.parametrize("given", ["host-*", "*/"])
def test_several_are_given_by_a_pattern(fleet: Path, given: str) -> None:
    rows = json.loads(run("health", "--json", f"{fleet}/{given}"))
    sources = {row["source"].rstrip("/") for row in rows}
    assert sources == {str(fleet / "host-a"), str(fleet / "host-b")}


@pytest.mark.parametrize("command", LISTINGS)
def test_one_alone_needs_no_such_column(fleet: Path, command: str) -> None:
    rows = json.loads(run(command, "--json", fleet / "host-a"))
    assert rows
    assert not any("source" in row for row in rows)
