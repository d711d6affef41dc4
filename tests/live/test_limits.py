"""A recorder with limits: it keeps to them, and what it leaves out is counted and marked."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from live.recording import Recording, record, recording_of, running, said

pytestmark = [pytest.mark.live, pytest.mark.go]


def test_no_more_events_than_allowed_and_the_rest_counted(
    tmp_path: Path, go_binary: Callable[..., Path]
) -> None:
    """Beside a recording of everything, of the same process at the same time."""
    program = [go_binary("lives.go"), "passers=4001", "receivers=997", "await"]
    with running(program) as target:
        said(target.stdout, "parked")
        with (
            recording_of(target.pid, tmp_path / "all") as (_, whole),
            recording_of(target.pid, tmp_path / "some", "--max-events", "500") as (_, limited),
        ):
            assert target.stdin is not None
            target.stdin.write("go\n")
            target.stdin.flush()
            said(target.stdout, "done")
            assert target.wait(30) == 0
    most = limited.one(
        "select max(n) from (select count(*) as n from events group by ts // 1000000000)"
    )
    assert most in (500, 501)  # two processors may both begin a second
    totals = limited.manifest["totals"]
    assert set(totals["dropped"]) == {"event rate"}
    for kind in ("create", "ready", "exit"):
        made = whole.one(f"select count(*) from events where kind = '{kind}'")
        recorded = totals["by_kind"].get(kind, 0) + totals["lost_by_kind"].get(kind, 0)
        assert recorded == made, kind
    assert limited.one("select sum(lost) from gaps") == totals["dropped"]["event rate"]
    assert limited.one("select sum(dropped) from health") == totals["dropped"]["event rate"]
    # All that was left out lies in a gap, and nothing that was recorded lies in one.
    assert limited.one(
        "select count(*) from events e join gaps g on g.cpu = e.cpu "
        "and e.ts > g.ts and e.ts < g.ts_end"
    ) == 0  # fmt: skip


WHAT = ["stacks", "run", "events"]


@pytest.fixture(scope="module")
def hurried(
    tmp_path_factory: pytest.TempPathFactory, go_binary: Callable[..., Path]
) -> dict[str, tuple[Recording, str]]:
    """What was recorded, and said, by recorders over their processor time: by what to drop first.

    All of the same process at the same time.
    """
    folder = tmp_path_factory.mktemp("hurried")

    def recorded(what: str) -> tuple[Recording, str]:
        options = ("--max-cpu", "1%", "--drop-first", what, "--duration", "7s")
        done = record(folder / what, "--pid", str(target.pid), *options)
        assert done.returncode == 0, done.stderr
        return Recording(folder / what), done.stderr

    with running([go_binary("pulse.go")]) as target, ThreadPoolExecutor() as pool:
        said(target.stdout, "beating")
        return dict(zip(WHAT, pool.map(recorded, WHAT), strict=True))


@pytest.mark.parametrize("what", WHAT)
def test_a_recorder_over_its_processor_time_leaves_out_what_it_was_told_to(
    hurried: dict[str, tuple[Recording, str]], what: str
) -> None:
    recording, talk = hurried[what]
    manifest = recording.manifest
    (note,) = [n for n in manifest["notes"] if "of 1% allowed" in n]
    assert note in talk
    before, after = (
        "ts < (select min(ts) from events) + 2e9",
        "ts > (select max(ts) from events) - 1e9",
    )
    shares = recording.sql(
        f"select avg((stack_id is not null)::int) filter ({before}), "
        f"avg((stack_id is not null)::int) filter ({after}), "
        f"avg((kind = 'run')::int) filter ({before}), avg((kind = 'run')::int) filter ({after}) "
        "from events"
    )
    ((stacks_before, stacks_after, run_before, run_after),) = shares
    assert stacks_before > 0.4
    assert run_before > 0.2
    dropped = manifest["totals"]["dropped"]
    gaps = dict(recording.sql("select cause, sum(lost) from gaps group by cause"))
    assert gaps.pop("ring full", 0) == manifest["totals"]["lost_ring"]
    assert gaps == dropped
    if what == "stacks":
        assert (stacks_after, dropped) == (0, {})
        assert manifest["totals"]["dropped_stacks"] > 0
    elif what == "run":
        assert run_after == 0
        assert set(dropped) == {"recorder limits"}
        assert recording.one("select count(*) from gaps where cause = 'recorder limits'") >= 2
    else:
        assert set(dropped) == {"event rate"}


def test_a_limit_that_cannot_be_kept_is_refused(
    tmp_path: Path, go_binary: Callable[..., Path]
) -> None:
    done = record(tmp_path / "t", "--max-memory", "20M", "--", go_binary("pulse.go"), "1")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "--max-memory 20M: the recorder takes" in line
