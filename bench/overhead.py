"""What `--max-overhead 2%` leaves of a busy server's throughput.

One server under constant load; spans with the recorder and without take turns, and each one with it
is compared with those around it. The recorder gets ready before the span begins.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from bench.recording import Recorded, Recording
from bench.result import Result, spread
from bench.web import Served, Web

_LIMIT = "2%"


def measure(rounds: int = 3, seconds: float = 16) -> Iterator[Result]:
    """One result, of requests served; processor time per request stands in its details."""
    served, cpu, recordings = [], [], []
    with Web() as target:
        time.sleep(2)
        before = _unrecorded(target, seconds / 2)
        for _ in range(rounds):
            between, recorded = _recorded(target, seconds)
            after = _unrecorded(target, seconds / 2)
            served.append(between.requests / (before.requests + after.requests))
            alone = (before.cpu + after.cpu) / (before.requests + after.requests)
            cpu.append(between.cpu / between.requests / alone)
            recordings.append(recorded)
            before = after
    yield Result(
        f"throughput lost with --max-overhead {_LIMIT}, web server",
        (1 - statistics.median(served)) * 100,
        2,
        " %",
        details={
            "throughput": spread(served),
            "processor time per request": spread(cpu),
            "windows": [r.manifest["totals"]["windows"] for r in recordings],
            "share of time seen": [
                round(r.manifest["totals"]["seen_ns"] / 1e9 / r.seconds, 4) for r in recordings
            ],
            "events": [r.events for r in recordings],
        },
        note=f"{rounds} pairs",
    )


def _unrecorded(target: Web, seconds: float) -> Served:
    before = target.served()
    time.sleep(seconds)
    return target.served() - before


def _recorded(target: Web, seconds: float) -> tuple[Served, Recorded]:
    with Recording("--pid", str(target.pid), "--max-overhead", _LIMIT) as recording:
        time.sleep(seconds / 2)  # the first window is paid for afterwards, as all are
        served = _unrecorded(target, seconds)
        return served, recording.stop()
