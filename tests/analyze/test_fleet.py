"""Several recordings at once: every listing says which of them a row is from."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from synth import Recording, alive

ROOT = Path(__file__).resolve().parent.parent.parent
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
    full = [sys.executable, "-m", "gtrace_analyze", "-q", command, *map(str, arguments)]
    done = subprocess.run(full, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("command", LISTINGS)
def test_every_listing_says_where_from(fleet: Path, command: str) -> None:
    hosts = {str(fleet / "host-a"), str(fleet / "host-b")}
    for given in ([*hosts], [fleet / "host-*"], [f"{fleet}/*/"]):
        rows = json.loads(run(command, "--json", *given))
        assert {row["source"].rstrip("/") for row in rows} == hosts
    table = csv.DictReader(io.StringIO(run(command, "--csv", *hosts)))
    assert {row["source"] for row in table} == hosts
    text = run(command, *hosts)
    assert "host-a" in text
    assert "host-b" in text


@pytest.mark.parametrize("command", LISTINGS)
def test_one_alone_needs_no_such_column(fleet: Path, command: str) -> None:
    rows = json.loads(run(command, "--json", fleet / "host-a"))
    assert rows
    assert not any("source" in row for row in rows)
