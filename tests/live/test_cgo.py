"""Threads of C that call Go: each is a goroutine for as long as Go lends it one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import gtrace_analyze
import toolchains
from live.recording import Recording, record, recording_of, running, said, wait_for_snapshots

pytestmark = [pytest.mark.live, pytest.mark.go]

THREADS, CALLS, FUNCTIONS = 5, 7, 3  # each thread calls each of the functions so often
PAUSE_NS, SLEEP_NS = 200_000, 300_000  # of each thread between two calls, and in one of them
# Since Go 1.21 a thread keeps its goroutine until it ends.
KEPT_SINCE = 21
VERSIONS = (toolchains.DEBIAN, "1.21.13", toolchains.NEWEST)  # others: tests/conformance

LENT = "SELECT goid FROM events WHERE kind = 'create_syscall'"


@pytest.fixture(scope="module", params=VERSIONS)
def recorded(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    go_binary: Callable[..., Path],
) -> Recording:
    program = go_binary("callbacks.go", request.param, "cgo")
    out = tmp_path_factory.mktemp("cgo") / "trace"
    done = record(out, "--plan", "full", "--", program, str(THREADS), str(CALLS))
    assert done.stdout == f"quick {THREADS * CALLS}\n", done.stderr
    return Recording(out)


def _lives(recording: Recording) -> int:
    kept = int(recording.manifest["exes"][0]["go_version"].split(".")[1]) >= KEPT_SINCE
    return THREADS if kept else THREADS * CALLS * FUNCTIONS


def test_every_event_is_there(recorded: Recording) -> None:
    counts = dict(
        recorded.sql(f"SELECT kind, count(*) FROM events WHERE goid IN ({LENT}) GROUP BY kind")
    )
    assert counts["create_syscall"] == counts["exit"] == _lives(recorded)
    assert counts["syscall_enter"] == THREADS * CALLS * FUNCTIONS
    slept = f"kind = 'park' AND reason = 'sleep' AND goid IN ({LENT})"
    assert recorded.one(f"SELECT count(*) FROM events WHERE {slept}") == THREADS * CALLS
    totals = recorded.manifest["totals"]
    assert (totals["lost_ring"], totals["lost_stack"], totals["read_faults"]) == (0, 0, 0)


def test_goroutines_live_again_and_nothing_is_illegal(recorded: Recording) -> None:
    with gtrace_analyze.open(recorded.path) as trace:
        lent = trace.sql(f"SELECT * FROM goroutines WHERE goid IN ({LENT})")
        health = trace.sql("SELECT name FROM health WHERE severity = 'warning'")
    assert health.empty, health
    assert lent.lives.sum() == _lives(recorded)
    assert lent.certain.all()
    assert set(lent.state) == {"dead"}
    assert lent[["ts", "ts_end"]].notna().all(axis=None)
    assert lent.waiting_ns.sum() >= THREADS * CALLS * SLEEP_NS
    if _lives(recorded) == THREADS:
        assert lent.syscall_ns.sum() >= THREADS * CALLS * PAUSE_NS


def test_stacks_are_of_go_alone(recorded: Recording) -> None:
    """Whatever C made of the frame pointer; and on to the Go that had called C."""
    with gtrace_analyze.open(recorded.path) as trace:
        stacks = trace.sql(
            "SELECT goid, list(function ORDER BY frame) AS functions "
            "FROM intervals JOIN frames USING (stack_id) WHERE state = 'waiting' "
            "GROUP BY goid, ts HAVING list_contains(functions, 'runtime.cgocallback')"
        )
    of_threads, of_main = stacks[stacks.goid != 1], stacks[stacks.goid == 1]
    assert len(of_threads) >= THREADS * CALLS
    assert {functions[-1] for functions in of_threads.functions} == {"runtime.cgocallback"}
    assert len(of_main) > 0
    for functions in of_main.functions:
        users = [f for f in functions if f.startswith("main.")]
        assert users == ["main.fromChannel", "main._Cfunc_callBack", "main.main"]
        assert functions[-1] == "runtime.goexit"
    assert not [f for functions in stacks.functions for f in functions if f is None]


@pytest.mark.parametrize(("plan", "state"), [("full", "syscall"), ("sched", "running")])
def test_a_thread_that_had_called_before(
    plan: str, state: str, tmp_path: Path, go_binary: Callable[..., Path]
) -> None:
    """It is found in C, and seen to end."""
    with running([go_binary("callbacks.go", mode="cgo"), "1", "1", "wait"]) as target:
        said(target.stdout, "waiting")
        with recording_of(target.pid, tmp_path / "trace", "--plan", plan) as (_, recording):
            wait_for_snapshots(recording.path, 1)
            assert target.stdin is not None
            target.stdin.write("\n")
            target.stdin.flush()
            said(target.stdout, "quick")
            assert target.wait(10) == 0
    with gtrace_analyze.open(recording.path) as trace:
        found = trace.sql(
            "SELECT i.state::VARCHAR AS state, i.began_by, g.state::VARCHAR AS now "
            "FROM intervals AS i JOIN goroutines AS g USING (pid, goid) "
            "WHERE i.ended_by = 'exit' AND g.created_at IS NULL"
        )
        health = trace.sql("SELECT name FROM health WHERE severity = 'warning'")
    assert health.empty, health
    (thread,) = found.itertuples()
    assert (thread.state, thread.began_by, thread.now) == (state, f"seen {state}", "dead")
