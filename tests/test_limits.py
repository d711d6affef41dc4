"""What the recorder leaves out, and when, to keep within its limits."""

from __future__ import annotations

from gtrace_rec.limits import Governor
from gtrace_rec.plan import KIND_CODES

MB = 1 << 20


def _seconds(g: Governor, n: int, cpu: float, rss: int = 0, rate: float = 1000) -> list[str]:
    return [said for _ in range(n) if (said := g.look(cpu, rss, rate))]


def test_a_short_burst_changes_nothing() -> None:
    g = Governor(cpu=0.1)
    for _ in range(5):
        assert _seconds(g, 2, cpu=0.5) == []
        assert _seconds(g, 1, cpu=0.05) == []
    assert not g.control.no_stacks


def test_things_are_dropped_in_the_order_given() -> None:
    g = Governor(cpu=0.1, drop_first=("run", "stacks"))
    (said,) = _seconds(g, 3, cpu=0.2)
    assert said.startswith("processor 20% of 10% allowed: running, yields and system calls are not")
    assert g.control.dropped_kinds >> KIND_CODES["run"] & 1
    assert not g.control.dropped_kinds >> KIND_CODES["park"] & 1
    assert not g.control.no_stacks
    (said,) = _seconds(g, 3, cpu=0.2)
    assert "no stacks" in said
    assert g.control.no_stacks
    assert _seconds(g, 9, cpu=0.2) == []  # nothing is left, and only memory is worth stopping for
    assert not g.must_stop


def test_events_are_recorded_as_far_as_the_processor_time_goes() -> None:
    """A recorder whose events cost 10 µs each, of a target that makes 50,000 a second."""
    g = Governor(cpu=0.1, drop_first=("events",))
    recorded = 50_000.0
    for _ in range(30):
        g.look(recorded * 10e-6, 0, recorded)
        recorded = min(50_000, g.control.events_per_second or 50_000)
    assert 8_000 <= recorded <= 10_000
    for _ in range(60):  # later it makes fewer, so all are recorded again
        made = 500.0
        g.look(made * 10e-6, 0, made)
    assert g.control.events_per_second > 50_000


def test_more_events_than_the_user_allows_are_never_allowed() -> None:
    g = Governor(cpu=0.1, max_events=700, drop_first=("events",))
    assert g.control.events_per_second == 700
    _seconds(g, 3, cpu=0.2, rate=700)
    assert g.control.events_per_second < 700
    _seconds(g, 50, cpu=0.001, rate=10)
    assert g.control.events_per_second == 700


def test_memory_stops_the_recording_when_nothing_is_left() -> None:
    g = Governor(memory=100 * MB, drop_first=("stacks",))
    (said,) = _seconds(g, 3, cpu=0, rss=150 * MB)
    assert said == "memory 150 MB of 100 MB allowed: no stacks are taken from here on"
    (said,) = _seconds(g, 3, cpu=0, rss=150 * MB)
    assert said.endswith("nothing is left to drop: stopping")
    assert g.must_stop
    assert _seconds(g, 3, cpu=0, rss=150 * MB) == []


def test_without_limits_nothing_is_done() -> None:
    g = Governor()
    assert not g.limited
    assert _seconds(g, 9, cpu=1, rss=1 << 40) == []
