"""What the recorder itself takes: processor time and disk for each event, and memory.

Twice: under a program that makes as many events as two processors can, where none may be lost, and
under a web server, whose stacks, wait reasons and channels are as manifold as those of services.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.ops import Ops
from bench.recording import Memory, Recorded, Recording
from bench.result import Result
from bench.web import Web

_MB = 1 << 20
_TIMES = 5_000  # about half a second of work, recorded


@dataclass(frozen=True)
class _Run:
    recorded: Recorded
    cpu: float  # seconds, from the moment it records to its end
    memory: list[Memory]  # once a second

    def cpu_per_event(self, shorter: _Run) -> float:
        """Microseconds for each event more: what any recording takes is in the shorter, too."""
        more = self.recorded.events - shorter.recorded.events
        return (self.cpu - shorter.cpu) / more * 1e6

    def details(self) -> dict[str, object]:
        r = self.recorded
        return {
            "seconds": round(r.seconds, 1),
            "events": r.events,
            "events_per_s": round(r.events / r.seconds),
            "lost": r.lost,
            "cpu_s": round(self.cpu, 2),
            "bytes_per_event": round(r.bytes / r.events, 2),
            "ring_fullest": r.ring_fullest,
            "memory_mb": [
                round(m.without_ring / _MB) for m in self.memory[:: 1 + len(self.memory) // 30]
            ],
            "anonymous_mb": round(max(m.anonymous for m in self.memory) / _MB),
            "resident_mb": round(max(m.resident for m in self.memory) / _MB),
        }


def measure(seconds: float = 20) -> Iterator[Result]:
    """Loss, processor time, memory, bytes."""
    storm, web = _storm(seconds), _web(seconds)
    cpu = {
        "storm": storm.cpu_per_event(_storm(seconds / 4)),
        "web": web.cpu_per_event(_web(seconds / 4)),
    }
    yield Result(
        "events lost at the highest rate two processors make",
        storm.recorded.lost,
        0,
        details=storm.details(),
        note=f"{storm.recorded.events / storm.recorded.seconds:,.0f} events/s",
    )
    worst = max(cpu, key=lambda name: cpu[name])
    yield Result(
        "recorder's processor time per event",
        cpu[worst],
        0.5,
        " µs",
        details=cpu,
        note=worst,
    )
    yield Result(
        "recorder's memory, without the ring",
        max(m.without_ring for run in (storm, web) for m in run.memory) / _MB,
        250,
        " MB",
    )
    yield Result(
        "bytes per event on disk, web server, with stacks",
        web.recorded.bytes / web.recorded.events,
        5,
        details=web.details(),
        note=f"{web.recorded.events / web.recorded.seconds:,.0f} events/s",
    )


def measure_flatness(seconds: float = 300) -> Iterator[Result]:
    """Whether its memory grows: the last fifth of some minutes against the second."""
    run = _web(seconds)
    fifth = len(run.memory) // 5
    second, last = (
        max(m.without_ring for m in part)
        for part in (run.memory[fifth : 2 * fifth], run.memory[-fifth:])
    )
    yield Result(
        "growth of the recorder's memory, web server",
        last / second,
        1.05,
        "×",
        details=run.details(),
        note=f"{run.recorded.seconds / 60:.0f} min, {run.recorded.events / 1e6:.0f} M events",
    )


def _storm(seconds: float) -> _Run:
    with Ops(threads=2) as target, Recording("--pid", str(target.pid)) as recording:
        work = threading.Thread(target=lambda: _work(target, seconds))
        work.start()
        run = _follow(recording, seconds)
        work.join()
    return run


def _work(target: Ops, seconds: float) -> None:
    end = time.monotonic() + seconds + 1
    while time.monotonic() < end:
        target.do("storm", _TIMES)


def _web(seconds: float) -> _Run:
    with Web() as target, Recording("--pid", str(target.pid)) as recording:
        return _follow(recording, seconds)


def _follow(recording: Recording, seconds: float) -> _Run:
    before = recording.processor_time()
    memory = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(1)
        memory.append(recording.memory())
    recorded = recording.stop()
    return _Run(recorded, recorded.cpu - before, memory)
