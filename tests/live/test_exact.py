"""A recording of a program whose goroutines are counted: every event is there, none made up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import toolchains
from live import lives
from live.recording import Recording, record, recording_of, running, said

pytestmark = [pytest.mark.live, pytest.mark.go]

# Every version and build mode, started by itself, is tests/matrix.
VERSIONS = (toolchains.TOOLCHAINS[0], toolchains.NEWEST)
FUTURE = "1.28.0"  # what the newest calls itself in a copy: known by its debug information alone


@pytest.fixture(scope="module", params=(*VERSIONS, FUTURE))
def recorded(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    go_binary: Callable[..., Path],
) -> Recording:
    folder = tmp_path_factory.mktemp("exact")
    if request.param == FUTURE:
        program = folder / "lives"
        newest = go_binary("lives.go").read_bytes()
        program.write_bytes(newest.replace(toolchains.NEWEST.encode(), FUTURE.encode()))
        program.chmod(0o755)
    else:
        program = go_binary("lives.go", request.param)
    done = record(folder / "trace", "--", program, *lives.ARGUMENTS)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "done\n"
    recording = Recording(folder / "trace")
    assert recording.manifest["exes"][0]["go_version"].startswith(f"go{request.param}")
    return recording


@pytest.mark.parametrize("kind", lives.KINDS)
def test_every_event_is_there_and_none_made_up(recorded: Recording, kind: str) -> None:
    """By the function that its goroutine began with, and its creator, reason or waker."""
    reasons = recorded.manifest["exes"][0]["wait_reasons"]
    assert lives.counted(recorded, kind) == lives.expected(kind, reasons)


def test_every_park_has_its_function_and_line(recorded: Recording) -> None:
    rows = recorded.sql(
        "select s.name, f.function, f.file like '%/tests/programs/lives.go', count(*) "
        "from events e join spawned s using (goid) join stacks t using (stack_id) "
        "join symbols f on f.pc in t.pcs and f.function = s.name "
        f"where e.kind = 'park' and s.name in ({lives.NAMES}) group by all"
    )
    expected = {
        (f"main.{n}", f"main.{n}", True, life.count)
        for n, life in lives.LIVES.items()
        if life.reason
    }
    assert set(rows) == expected


def test_nothing_is_lost(recorded: Recording) -> None:
    totals = recorded.manifest["totals"]
    assert (totals["lost_ring"], totals["lost_stack"], totals["read_faults"]) == (0, 0, 0)
    assert totals["events"] == recorded.one("select count(*) from events")
    assert recorded.one("select count(*) from gaps") == 0


def test_the_first_goroutine_is_recorded_from_its_creation(
    recorded: Recording,
) -> None:
    first, *_ = recorded.sql("select kind, goid, other_goid from events order by ts limit 1")
    assert first == ("create", 1, None)


def test_time_never_runs_backwards_within_a_goroutine(recorded: Recording) -> None:
    """Events of one goroutine follow one another, so its file order is its time order."""
    backwards = recorded.one(
        "select count(*) from (select ts - lag(ts) over (partition by goid order by n) as step "
        "from (select *, row_number() over () as n from events)) where step < 0"
    )
    assert backwards == 0


def test_of_each_stack_only_the_top_may_be_kept(
    tmp_path: Path, go_binary: Callable[..., Path]
) -> None:
    """Who called is told all the same."""
    program = go_binary("lives.go")
    done = record(tmp_path / "trace", "--stack-depth", "1", "--", program, *lives.ARGUMENTS)
    assert done.returncode == 0, done.stderr
    recording = Recording(tmp_path / "trace")
    reasons = recording.manifest["exes"][0]["wait_reasons"]
    for kind in lives.KINDS:
        assert lives.counted(recording, kind) == lives.expected(kind, reasons)
    assert recording.sql("select distinct len(pcs) from stacks") == [(1,)]
    called = "kind in ('park', 'ready')"
    assert recording.one(f"select count(*) from events where {called} and pc is null") == 0
    callers = {
        function
        for (function,) in recording.sql(
            f"select distinct function from events join symbols using (pc) where {called}"
        )
    }
    assert {"runtime.chanrecv", "runtime.chansend", "runtime.selectgo"} <= callers
    assert any(function.endswith("goready.func1") for function in callers)


def test_an_attached_program_is_recorded_as_exactly(
    tmp_path: Path, go_binary: Callable[..., Path]
) -> None:
    """Attached once its receivers are parked: what comes after that is all there."""
    with running([go_binary("lives.go"), *lives.ARGUMENTS, "await"]) as target:
        said(target.stdout, "parked")
        with recording_of(target.pid, tmp_path / "trace") as (_, recording):
            assert target.stdin is not None
            target.stdin.write("go\n")
            target.stdin.flush()
            said(target.stdout, "done")
            assert target.wait(10) == 0
    woken = recording.one("select count(*) from events e where kind = 'ready' and other_goid = 1")
    by_main = sum(life.count for life in lives.LIVES.values() if life.waker == "main")
    assert woken >= by_main + 1
    ended = recording.one(
        "select count(*) from events where kind = 'exit' and goid not in (select goid from spawned)"
    )
    parked = sum(v.count for n, v in lives.LIVES.items() if v.reason and v.ends and n != "sleeper")
    assert ended == parked
    assert recording.manifest["totals"]["lost_ring"] == 0
