"""Lifetimes, latencies and living goroutines, against one event after the other."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest

from gtrace_rec.goruntime.snapshot import Snapshot
from gtrace_rec.live import LiveCount
from gtrace_rec.metrics.lives import Histogram, Lives
from gtrace_rec.metrics.suspects import SPANS, Suspects
from gtrace_rec.plan import KIND_CODES
from gtrace_rec.ring import RECORD, Block

BOUNDS = [10, 100, 1000]
CREATIONS = {"create", "create_parked", "create_syscall"}
WAITS = {"create", "ready", "inject", "yield", "syscall_lost_p"}


class OneByOne:
    """The same as Lives, the slow way."""

    def __init__(self) -> None:
        self.created: dict[int, int] = {}
        self.runnable: dict[int, int] = {}
        self.site: dict[int, int] = {}
        self.latencies: list[int] = []
        self.lifetimes: list[int] = []

    def event(self, ts: int, kind: str, goid: int, pc: int) -> None:
        if kind in CREATIONS:
            self.created[goid], self.site[goid] = ts, pc
        if kind == "run" and goid in self.runnable:
            self.latencies.append(ts - self.runnable[goid])
        if kind in WAITS:
            self.runnable[goid] = ts
        elif kind in {"run", "exit"} | CREATIONS:
            self.runnable.pop(goid, None)
        if kind == "exit":
            if goid in self.created:
                self.lifetimes.append(ts - self.created.pop(goid))
            self.site.pop(goid, None)
        elif kind in WAITS | {"run"}:
            self.site.setdefault(goid, 0)


def _events(seed: int, count: int) -> list[tuple[int, str, int, int]]:
    """Goroutines that come, do something, and go; some were there before."""
    chance = random.Random(seed)
    # Each P hands out sixteen goids of its own at a time, so they do not quite rise.
    unused = [g for first in range(20, 20 + count, 48) for g in _shuffled(chance, first, 48)]
    living, ts, events = list(range(1, 20)), 1000, []
    lent: list[int] = []  # to threads of C: given back, to live again
    for goid in unused[:count]:
        ts += chance.randrange(1, 50)
        what = chance.random()
        if what < 0.2:
            living.append(goid)
            kind = "create" if chance.random() < 0.9 else "create_parked"
            events.append((ts, kind, goid, 0x1000 + 16 * chance.randrange(5)))
        elif what < 0.28:
            goid = lent.pop() if lent and chance.random() < 0.8 else goid
            living.append(goid)
            events.append((ts, "create_syscall", goid, 0))
        elif what < 0.5 and len(living) > 5:
            gone = living.pop(chance.randrange(len(living)))
            events.append((ts, "exit", gone, 0))
            if any(kind == "create_syscall" for _, kind, g, _ in events if g == gone):
                lent.append(gone)
        else:
            kind = chance.choice([*sorted(WAITS - {"create"}), *["run"] * 4, "park", "park_undone"])
            events.append((ts, kind, chance.choice(living[-8:]), 7))
    return events


def _shuffled(chance: random.Random, first: int, count: int) -> list[int]:
    return chance.sample(range(first, first + count), count)


def _block(events: list[tuple[int, str, int, int]]) -> Block:
    block = np.zeros(len(events), RECORD)
    for row, (ts, kind, goid, pc) in zip(block, events, strict=True):
        row["ts"], row["kind"], row["goid"], row["pc"] = ts, KIND_CODES[kind], goid, pc
    return block


def _counts(durations: list[int]) -> list[int]:
    found = Counter(next((i for i, b in enumerate(BOUNDS) if d <= b), 3) for d in durations)
    return [found[i] for i in range(4)]


@pytest.mark.parametrize("size", [1, 2, 7, 64, 5000])
@pytest.mark.parametrize("seed", range(5))
def test_blocks_of_any_size_measure_the_same_as_single_events(seed: int, size: int) -> None:
    events = _events(seed, 2000)
    truth = OneByOne()
    lives = Lives(lifetimes := Histogram(BOUNDS), latencies := Histogram(BOUNDS))
    for start in range(0, len(events), size):
        part = events[start : start + size]
        for event in part:
            truth.event(*event)
        lives.observe(_block(part))
    assert len(truth.latencies) > 200
    assert len(truth.lifetimes) > 100
    assert latencies.counts.tolist() == _counts(truth.latencies)
    assert latencies.sum_ns == sum(truth.latencies)
    assert lifetimes.counts.tolist() == _counts(truth.lifetimes)
    assert lifetimes.sum_ns == sum(truth.lifetimes)
    alive = dict(zip(lives.site_pcs, lives.live.tolist(), strict=True))
    expected = Counter(truth.site.values())
    assert {pc or 0: n for pc, n in alive.items() if n} == expected


def test_no_latency_spans_a_loss() -> None:
    lives = Lives(Histogram(BOUNDS), latencies := Histogram(BOUNDS))
    lives.observe(_block([(1, "ready", 1, 0)]))
    lives.observe(_block([(2, "run", 1, 0), (3, "ready", 2, 0), (4, "run", 2, 0)]), whole=False)
    lives.observe(_block([(5, "ready", 3, 0)]), whole=False)
    lives.observe(_block([(6, "run", 3, 0), (7, "ready", 4, 0), (9, "run", 4, 0)]))
    assert (latencies.counts.sum(), latencies.sum_ns) == (1, 2)


def _live(lives: Lives) -> dict[int | None, int]:
    return dict(zip(lives.site_pcs, lives.live.tolist(), strict=True))


def test_a_snapshot_tells_who_was_there_before() -> None:
    lives = Lives(lifetimes := Histogram(BOUNDS), Histogram(BOUNDS))
    lives.seed(np.array([6, 3, 4]), np.array([0x10, 0x20, 0]))
    assert _live(lives) == {None: 1, 0x10: 1, 0x20: 1}
    # The creation of 6 lay in the ring still; that of 5, too, and it had ended before.
    early = [(10, "create", 6, 0x10), (11, "create", 5, 0x10), (12, "exit", 5, 0)]
    lives.observe(_block(early))
    assert _live(lives) == {None: 1, 0x10: 1, 0x20: 1}
    lives.observe(_block([(30, "exit", 3, 0), (31, "exit", 6, 0)]))
    assert _live(lives) == {None: 1, 0x10: 0, 0x20: 0}
    assert lifetimes.sum_ns == 1 + 21  # of 5 and 6; when 3 began is not known


def test_snapshots_end_what_was_not_seen_to_end() -> None:
    lives = Lives(Histogram(BOUNDS), Histogram(BOUNDS))
    lives.observe(_block([(10, "create", 5, 0x10), (11, "create", 6, 0x10)]))
    lives.seed(np.array([6]), np.array([0x10]))
    assert _live(lives) == {None: 0, 0x10: 2}  # its exit may be on its way
    lives.seed(np.array([6]), np.array([0x10]))
    assert _live(lives) == {None: 0, 0x10: 1}


def _found(samples: list[list[int]]) -> list[int]:
    """Sites suspect after one sample a span, and one more that ends the last."""
    suspects = Suspects(window_ns=SPANS * 10)
    for i, live in enumerate([*samples, samples[-1]]):
        suspects.sample(i * 10, np.array(live))
    return [s.site for s in suspects.found(np.array(samples[-1]))]


def test_living_are_counted_from_a_snapshot_on() -> None:
    """What its events had told by then counts once; a goroutine lent to C lives again and again."""
    rows = np.zeros(3, [("goid", np.int64), ("ts", np.int64)])
    rows["goid"], rows["ts"] = [1, 5, 17], [20, 21, 22]
    live = LiveCount()
    live.begin(Snapshot(0, rows, [], [], [], ()))
    early = [(18, "create", 5, 0), (19, "create_syscall", 17, 0), (20, "exit", 17, 0)]
    live.add(_block([*early, (21, "create_syscall", 17, 0), (22, "create", 6, 0)]))
    assert live.count == 4
    live.add(_block([(22, "exit", 1, 0), (30, "exit", 17, 0), (31, "exit", 6, 0)]))
    assert live.count == 1
    live.add(_block([(40, "create_syscall", 17, 0), (41, "create_parked", 9, 0)]))
    assert live.count == 3


def test_what_only_grows_is_suspect() -> None:
    #                grows, pool, goes up and down, grows and stops, unknown site (0) grows
    samples = [[n, 3 * n, 8, 5 + n % 2, min(n, 3)] for n in range(SPANS)]
    assert _found(samples) == [1]


def test_load_that_comes_and_goes_is_no_suspect() -> None:
    suspects = Suspects(window_ns=SPANS * 10)
    for ts in range(200):
        live = np.array([0, ts // 10 + (ts * 7) % 10, (ts * 7) % 10])
        suspects.sample(ts, live)
    assert [s.site for s in suspects.found(live)] == [1]  # beneath the load, it grows
    (suspect,) = suspects.found(live)
    assert suspect.growth_per_s == pytest.approx(1e8, rel=0.01)  # one in 10 ns


def test_nothing_is_suspect_before_the_window_has_passed() -> None:
    assert _found([[0, n] for n in range(SPANS - 1)]) == []


def test_a_go_statement_first_seen_late_needs_a_window_of_its_own() -> None:
    suspects = Suspects(window_ns=SPANS * 10)
    for ts in range(0, SPANS * 10 + 20, 10):
        suspects.sample(ts, np.array([0] if ts < 30 else [0, ts]))
    assert suspects.found(np.array([0, 70])) == []
