"""Several recordings at once: every listing says which of them a row is from."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from gtrace_analyze.commands import common
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


RANKED = {
    "park": lambda row: -row["total_ns"] - row["open_ns"],
    "leaks": lambda row: (["leak", "suspect", "idle"].index(row["verdict"]), -row["count"]),
    "latency": lambda row: -row["total_ns"],
    "cpu": lambda row: -row["running_ns"],
}


@pytest.mark.parametrize("command", RANKED)
def test_rows_of_all_are_ranked_together(fleet: Path, command: str) -> None:
    rows = json.loads(run(command, "--json", fleet / "host-a", fleet / "host-b"))
    assert rows == sorted(rows, key=RANKED[command])
    assert len({row["source"] for row in rows[:2]}) == 2


@pytest.mark.parametrize("command", [*LISTINGS, "timeline", "wakers", "channels"])
@pytest.mark.parametrize("form", ["text", "json", "csv"])
def test_no_column_no_order(fleet: Path, command: str, form: str) -> None:
    """Whether there are rows or not."""
    forms = [] if form == "text" else [f"--{form}"]
    done = analyze("-q", command, fleet / "host-a", "--sort", "bogus", *forms)
    assert (done.returncode, done.stdout) == (2, "")
    assert "sort" in done.stderr


def test_leaks_and_deadlocks_are_sorted_in_text(fleet: Path) -> None:
    hosts = [fleet / "host-a", fleet / "host-b"]
    for command in ("leaks", "deadlocks"):
        for order in ("asc", "desc"):
            text = run(command, *hosts, "--sort", f"source:{order}")
            assert (text.index("host-a") < text.index("host-b")) == (order == "asc")


def test_timelines_are_one_document(fleet: Path) -> None:
    hosts = [str(fleet / "host-a"), str(fleet / "host-b")]
    rows = json.loads(run("timeline", "--json", *hosts))
    assert {row["source"] for row in rows} == set(hosts)
    table = csv.DictReader(io.StringIO(run("timeline", "--csv", *hosts)))
    assert {row["source"] for row in table} == set(hosts)
    text = run("timeline", *hosts).splitlines()
    assert [line for line in text if line in hosts] == hosts


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a/x/t", "b/x/t"], ["a", "b"]),
        (["h/host-a/trace.parquet", "h/host-b/trace.parquet"], ["host-a", "host-b"]),
        (["leaky.parquet", "healthy.parquet"], ["leaky", "healthy"]),
        (["t.parquet", "b/t.parquet"], ["t", "b-t"]),
        (["a-b/t", "a/b/t"], ["a-b-1", "a-b-2"]),
    ],
)
def test_pictures_are_named_apart(paths: list[str], names: list[str]) -> None:
    assert common.apart(list(map(Path, paths))) == names


def test_every_picture_is_written(fleet: Path, tmp_path: Path) -> None:
    done = analyze("timeline", f"{fleet}/host-*", "--out", tmp_path / "p.svg")
    assert done.returncode == 0
    assert {p.name for p in tmp_path.iterdir()} == {"p-host-a.svg", "p-host-b.svg"}
    assert "wrote" in done.stderr


@pytest.mark.parametrize("command", [*LISTINGS, "wakers", "channels", "timeline", "summary"])
def test_80_columns_are_enough(fleet: Path, command: str) -> None:
    out = run(command, fleet / "host-a").replace(str(fleet), "")
    assert [line for line in out.splitlines() if len(line) > 80] == []


def test_distributions_are_rows_too(fleet: Path) -> None:
    rows = json.loads(run("park", fleet / "host-a", "--histogram", "--json"))
    assert [(row["function"], row["waits"]) for row in rows] == [("main.f", 1)]
    assert rows[0]["from_ns"] <= 3 <= rows[0]["to_ns"]
    table = csv.DictReader(io.StringIO(run("park", fleet / "host-a", "--histogram", "--csv")))
    assert [row["waits"] for row in table] == ["1"]


@pytest.mark.parametrize("form", ["text", "json", "csv"])
def test_states_of_a_goroutine_are_cut_and_sorted(fleet: Path, form: str) -> None:
    def states(*arguments: str) -> list[str]:
        forms = [] if form == "text" else [f"--{form}"]
        out = run("goroutine", fleet / "host-a", "8", *arguments, *forms)
        if form == "json":
            return [row["state"] for row in json.loads(out)["intervals"]]
        if form == "csv":
            return [row["state"] for row in csv.DictReader(io.StringIO(out))]
        words = [line.split() for line in out.split("its states")[1].splitlines()]
        shown = [each[2] for each in words if len(each) > 2]
        return shown[shown.index("STATE") + 1 :]

    assert states() == ["runnable", "running", "waiting", "runnable", "running"]
    assert states("-n", "2") == ["runnable", "running"]
    assert states("-n", "1", "--sort", "state:desc") == ["waiting"]


@pytest.mark.parametrize(
    "given",
    [
        ("latency", "--worst", "--by", "cause"),
        ("latency", "--worst", "--system"),
        ("latency", "--wall", "--plot", "x.png"),
        ("park", "--system", "--histogram"),
    ],
)
def test_what_would_do_nothing_is_refused(fleet: Path, given: tuple[str, ...]) -> None:
    done = analyze(*given, fleet / "host-a")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
