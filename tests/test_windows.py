"""When probes are on: a target whose events cost it something, second by second."""

from __future__ import annotations

import pytest

from gtrace_rec.probecost import Cost
from gtrace_rec.windows import Usage, Windows

_MS = 1_000_000
_TRAP = 1000.0
_PROGRAM = 500


def simulate(
    limit: float,
    *,
    hits_per_s: float,
    busy: float,
    recorder: float = 0.0,
    first_look: float = 0.0,
    seconds: int = 120,
) -> tuple[Windows, float]:
    """The share of its own work that the target spent on probes, after so long a time.

    `busy` are the processors it uses, `recorder` those that the recorder uses; before `first_look`,
    in seconds, the recorder has other things to do.
    """
    windows = Windows(limit, _TRAP, processors=2)
    windows.begin(Usage(0, Cost(0, 0), 0, 0))
    hits = work = spent = 0.0
    for now in range(0, seconds * 1000 * _MS, 5 * _MS):
        if windows.on:
            hits += hits_per_s * 0.005
            spent = hits * (_TRAP + _PROGRAM)
        work += busy * 5 * _MS
        if not windows.due(now) or now < first_look * 1000 * _MS:
            continue
        usage = Usage(
            now, Cost(int(hits), int(hits) * _PROGRAM), int(work + spent), int(recorder * now)
        )
        on = windows.look(usage)
        if windows.on and not on:
            windows.closed(now)
        elif on and not windows.on:
            windows.opened(now)
    return windows, spent / max(work, 1)


@pytest.mark.parametrize("limit", [0.005, 0.02, 0.1])
@pytest.mark.parametrize("busy", [0.3, 1.5])
def test_a_busy_target_is_recorded_in_windows_and_costs_what_is_allowed(
    limit: float, busy: float
) -> None:
    windows, cost = simulate(limit, hits_per_s=200_000, busy=busy)
    assert windows.count > 10
    assert 0.4 * limit < cost <= limit


def test_a_first_window_that_takes_long_is_made_up_for() -> None:
    """As where there are many goroutines to be read."""
    windows, cost = simulate(0.02, hits_per_s=200_000, busy=1.5, first_look=3, seconds=60)
    assert windows.count > 1
    assert 0.01 < cost <= 0.02


def test_a_target_with_few_events_is_recorded_all_the_time() -> None:
    windows, _ = simulate(0.02, hits_per_s=3000, busy=1)
    assert windows.count == 1
    assert windows.on
    assert windows.seen_ns(120_000 * _MS) == 120_000 * _MS


def test_what_the_recorder_takes_counts() -> None:
    alone, _ = simulate(0.02, hits_per_s=200_000, busy=1.5)
    beside, cost = simulate(0.02, hits_per_s=200_000, busy=1.5, recorder=0.01)
    assert beside.on_ns < 0.8 * alone.on_ns
    assert cost + 0.01 / 2 <= 0.02


def test_a_target_that_does_nothing_is_recorded_all_the_time() -> None:
    windows, _ = simulate(0.02, hits_per_s=0, busy=0)
    assert windows.count == 1
    assert windows.on
