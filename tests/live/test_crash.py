"""What is left of a recording whose recorder was killed: an exact prefix, and word of the cut.

The target makes one goroutine after the other on one P and waits for each, so the order of events
is known but for preemptions. Any hole, any event out of place breaks it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import pytest

from gtrace_analyze import engine
from gtrace_analyze.engine import connect
from live.recording import RECORDER, Recording, running, said, wait_until_recording

pytestmark = [pytest.mark.live, pytest.mark.go]

Event = tuple[str, int, int | None]  # kind, goid, other_goid

FLUSHED_WITHIN_S = 2.5  # flushed every second; the rest is for a loaded machine
MAIN = 1

# What a goroutine's event may be followed by: a child's of tests/programs/pulse.go, and main's.
# One of the two comes first to the channel and parks; the other wakes it. "wakes" is a `ready`
# that this goroutine does to the other, and any of them may be preempted while it runs.
CHILD = {
    "": {"create"},
    "create": {"run"},
    "run": {"wakes", "park"},
    "wakes": {"exit"},
    "park": {"ready"},
    "ready": {"run again"},
    "run again": {"exit"},
    "exit": set(),
}
MAIN_S = {
    "": {"creates"},
    "creates": {"park", "wakes"},
    "park": {"ready"},
    "ready": {"run"},
    "run": {"creates"},
    "wakes": {"creates"},
}


class _Goroutine:
    """Follows one goroutine; fails at an event that cannot come next."""

    def __init__(self, order: dict[str, set[str]]) -> None:
        self._order = order
        self._last = ""
        self._preempted = False

    def then(self, event: str, where: str) -> None:
        if event == "yield" or (event == "run" and self._preempted):
            assert self._preempted == (event == "run"), where
            self._preempted = event == "yield"
            return
        assert not self._preempted, f"{where}, while preempted"
        possible = self._order[self._last]
        if event not in possible:
            event = f"{event} again"
        assert event in possible, f"{where}, after {self._last!r}"
        self._last = event


def check_sequence(events: Iterable[Event]) -> int:
    """Returns how many children were made; fails at the first event that cannot come next.

    Events before the first child is made are of a beat that was going on, and left out.
    """
    main = _Goroutine(MAIN_S)
    children: dict[int, _Goroutine] = {}
    newest = 0
    on_the_p = MAIN
    for n, (kind, goid, other) in enumerate(events):
        where = f"event {n:,}: {kind} of {goid}, {other}"
        if kind == "create" and other == MAIN:
            assert not newest or goid == newest + 1, where
            newest = goid
            children[goid] = _Goroutine(CHILD)
            main.then("creates", where)
        elif not newest or (goid not in children and goid != MAIN):
            continue
        if kind == "run":
            assert on_the_p == 0, f"{where}, while {on_the_p} runs"
            on_the_p = goid
        elif kind in ("park", "yield", "exit"):
            assert on_the_p == goid, f"{where}, while {on_the_p} runs"
            on_the_p = 0
        elif kind == "ready":
            assert on_the_p == other, f"{where}, while {on_the_p} runs"
            (main if other == MAIN else children[on_the_p]).then("wakes", where)
        (main if goid == MAIN else children[goid]).then(kind, where)
    return len(children)


def _read_back(recording: Recording) -> tuple[list[Event], int | None, str]:
    """The events of main and its children once all probes were on, when the last of all was, and
    how the recording ended.
    """
    with closing(connect(recording.path)) as trace:
        events = trace.query(
            "select kind, goid, other_goid from events "
            f"where ts >= {recording.manifest['processes'][0]['started_ts']} "
            "and (goid = 1 or other_goid = 1 "
            "or goid in (select goid from events where kind = 'create' and other_goid = 1)) "
            "order by ts"
        )
        (row,) = trace.rows("select (select max(ts) from events) as last_ts, status from recording")
    columns = (column.to_pylist() for column in events.columns)
    return list(zip(*columns, strict=True)), row["last_ts"], row["status"]


@pytest.fixture(autouse=True)
def _events_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No index is built where nothing but events are read."""
    monkeypatch.setattr(engine, "_INDEX_FROM", 1 << 60)


@pytest.mark.parametrize("moment", range(10))
def test_a_killed_recorder_leaves_an_exact_prefix(
    moment: int, tmp_path: Path, go_binary: Callable[..., Path]
) -> None:
    delay = random.Random(moment).uniform(0.2, 3.2)
    out = tmp_path / "trace"
    with running([go_binary("pulse.go")]) as target:
        said(target.stdout, "beating")
        command = [*RECORDER, "--out", out, "--pid", target.pid, "--rotate-every", "1s"]
        with running(command) as recorder:
            wait_until_recording(out)
            time.sleep(delay)
            killed_ns = time.monotonic_ns()
            recorder.kill()
            recorder.wait()
        time.sleep(0.2)
        assert target.poll() is None, "the target did not survive its recorder"

    events, last_ts, status = _read_back(Recording(out))
    beats = check_sequence(events)
    assert status == "cut"
    if delay > FLUSHED_WITHIN_S:
        assert beats > 1000
        assert last_ts is not None
        assert killed_ns - last_ts < FLUSHED_WITHIN_S * 1e9


def test_a_whole_recording_has_every_beat(tmp_path: Path, go_binary: Callable[..., Path]) -> None:
    """The control: the same reading finds all of a recording that was not cut."""
    out = tmp_path / "trace"
    with running([*RECORDER, "--out", out, "--", go_binary("pulse.go"), "20011"]) as recorder:
        output, talk = recorder.communicate(timeout=60)
    assert recorder.returncode == 0, talk
    assert output == "beating\nbeats 20011\n"
    events, _, status = _read_back(Recording(out))
    assert status == "stopped"
    # Among the first, the runtime makes goroutines of its own, and there were several Ps.
    ends = [i for i, (kind, _, _) in enumerate(events) if kind == "exit"]
    # When main writes what it counted, it is off its P, for a child that was preempted until then.
    last = max(i for i, (_, goid, _) in enumerate(events) if goid == MAIN)
    assert check_sequence(events[ends[99] : last + 1]) == 20011 - 100


@pytest.mark.parametrize("place", [6, 7, 8, 9, 10, 11])
def test_a_single_missing_event_is_noticed(place: int) -> None:
    """Of the check itself: take any one event out of three beats."""
    beat = [("create", 0, 1), ("park", 1, None), ("run", 0, None)]
    beat += [("ready", 1, 0), ("exit", 0, None), ("run", 1, None)]
    events = [
        (kind, goid or child, child if other == 0 else other)
        for child in range(7, 12)
        for kind, goid, other in beat
    ]
    assert check_sequence(events) == 5
    with pytest.raises(AssertionError):
        check_sequence(events[:place] + events[place + 1 :])
