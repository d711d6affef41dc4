"""A recording of a program whose goroutines are counted: every event is there, none made up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import toolchains
from live.recording import Recording, record, recording_of, running, said

pytestmark = [pytest.mark.live, pytest.mark.go]

# Recorded here with their names; the matrix of older versions and build modes is its own test.
VERSIONS = toolchains.TOOLCHAINS[-4:]


@dataclass(frozen=True)
class Life:
    """What the goroutines of one kind do: on what they park, and who wakes them."""

    count: int
    reason: str | None
    waker: str | None  # "main", "peer", "timer" (nobody), or None: never woken
    ends: bool = True


LIVES = {
    "receiver": Life(97, "chan receive", "main"),
    "sender": Life(61, "chan send", "main"),
    "locker": Life(43, "sync.Mutex.Lock", "peer"),
    "selector": Life(29, "select", "main"),
    "waiter": Life(23, "sync.WaitGroup.Wait", "main"),
    "sleeper": Life(11, "sleep", "timer"),
    "passer": Life(7, None, None),
    "stuck": Life(5, "chan receive", None, ends=False),
}


def _arguments() -> list[str]:
    return [
        f"{n}={life.count}" if n == "stuck" else f"{n}s={life.count}" for n, life in LIVES.items()
    ]


@pytest.fixture(scope="module", params=VERSIONS)
def recorded(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    go_binary: Callable[..., Path],
) -> Recording:
    out = tmp_path_factory.mktemp("exact") / "trace"
    done = record(out, "--", go_binary("lives.go", request.param), *_arguments())
    assert done.returncode == 0, done.stderr
    assert done.stdout == "done\n"
    return Recording(out)


def _counts(recording: Recording, kind: str, columns: str = "") -> dict[tuple[object, ...], int]:
    """How many events of a kind each sort of goroutine has, by start function and `columns`."""
    rows = recording.sql(
        f"select s.name {columns}, count(*) from events e join spawned s using (goid) "
        f"where e.kind = '{kind}' and s.name in ({', '.join(map(_main, LIVES))}) group by all"
    )
    return {tuple(row[:-1]): row[-1] for row in rows}


def _main(name: str) -> str:
    return f"'main.{name}'"


def test_every_goroutine_is_created_once_by_main(recorded: Recording) -> None:
    created = _counts(recorded, "create", ", e.other_goid")
    assert created == {(f"main.{n}", 1): life.count for n, life in LIVES.items()}


def test_every_park_is_there_with_its_reason(recorded: Recording) -> None:
    parked = _counts(recorded, "park", ", e.reason")
    expected = {(f"main.{n}", life.reason): life.count for n, life in LIVES.items() if life.reason}
    assert parked == expected


def test_every_park_has_its_function_and_line(recorded: Recording) -> None:
    rows = recorded.sql(
        "select s.name, f.function, f.file like '%/tests/programs/lives.go', count(*) "
        "from events e join spawned s using (goid) join stacks t using (stack_id) "
        "join symbols f on f.pc in t.pcs and f.function = s.name "
        f"where e.kind = 'park' and s.name in ({', '.join(map(_main, LIVES))}) group by all"
    )
    expected = {
        (f"main.{n}", f"main.{n}", True, life.count) for n, life in LIVES.items() if life.reason
    }
    assert set(rows) == expected


def test_every_wake_up_has_its_waker(recorded: Recording) -> None:
    woken = _counts(
        recorded,
        "ready",
        ", case when e.other_goid is null then 'timer' when e.other_goid = 1 then 'main' "
        "else (select p.name from spawned p where p.goid = e.other_goid) end",
    )
    expected = {}
    for name, life in LIVES.items():
        if life.waker == "peer":  # main opens the lock, then each passes it on
            expected[f"main.{name}", "main"] = 1
            expected[f"main.{name}", f"main.{name}"] = life.count - 1
        elif life.waker:
            expected[f"main.{name}", life.waker] = life.count
    assert woken == expected


def test_every_exit_is_there(recorded: Recording) -> None:
    ended = _counts(recorded, "exit")
    assert ended == {(f"main.{n}",): life.count for n, life in LIVES.items() if life.ends}


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


def test_an_attached_program_is_recorded_as_exactly(
    tmp_path: Path, go_binary: Callable[..., Path]
) -> None:
    """Attached once its receivers are parked: what comes after that is all there."""
    with running([go_binary("lives.go"), *_arguments(), "await"]) as target:
        said(target.stdout, "parked")
        with recording_of(target.pid, tmp_path / "trace") as (_, recording):
            assert target.stdin is not None
            target.stdin.write("go\n")
            target.stdin.flush()
            said(target.stdout, "done")
            assert target.wait(10) == 0
    woken = recording.one("select count(*) from events e where kind = 'ready' and other_goid = 1")
    by_main = sum(life.count for life in LIVES.values() if life.waker == "main")
    assert woken >= by_main + 1
    ended = recording.one(
        "select count(*) from events where kind = 'exit' and goid not in (select goid from spawned)"
    )
    parked = sum(v.count for n, v in LIVES.items() if v.reason and v.ends and n != "sleeper")
    assert ended == parked
    assert recording.manifest["totals"]["lost_ring"] == 0
