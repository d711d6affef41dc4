"""A small recording in which every number is known.

Goroutine 7 works: it waits 100 ns for a channel, is runnable for 20 ns, runs for 30 ns, waits again
and ends. Goroutine 8 is made by 7, waits for a lock and never gets it. Times are in µs, so that no
reader that rounds to those can hide a mistake.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from gtrace_analyze.engine import Engine
from synth import Recording

# What tests/programs/lives.go is to do: prime numbers, so that a sum shows its parts. All but the
# stuck ones come back.
LIVES = {
    "receivers": 97, "senders": 61, "lockers": 43, "selectors": 29, "waiters": 23, "sleepers": 11,
    "passers": 7, "stuck": 5,
}  # fmt: skip

US = 1000
RECEIVE = [
    "runtime.chanrecv1 runtime/chan.go:509",
    "main.next main.go:31 < main.work main.go:40",
    "main.main.gowrap1 main.go:12",
]
NAP = ["time.Sleep runtime/time.go:300", "main.work main.go:44", "main.main.gowrap1 main.go:12"]
LOCK = [
    "sync.(*Mutex).Lock sync/mutex.go:46",
    "main.pay bank.go:10",
    "main.work.gowrap1 main.go:41",
]
SPAWN = [
    "runtime.newproc1 runtime/proc.go:5438",
    "runtime.newproc runtime/proc.go:5337",
    "main.work main.go:41",
    "main.main.gowrap1 main.go:12",
]


def scene(plan: str = "sched") -> Recording:
    b = Recording(plan=plan, duration=10_000 * US)
    seven = b.go(
        7, parent=1, ts=100 * US, at="main.main main.go:12", start="main.main.gowrap1 main.go:12"
    )
    seven.run(110 * US, tid=11).park(160 * US, "chan receive", RECEIVE, obj=0xC0, tid=11)
    seven.ready(260 * US, by=1).run(280 * US, tid=12)
    b.go(
        8,
        parent=7,
        ts=290 * US,
        at="main.work main.go:41",
        start="main.work.gowrap1 main.go:41",
        stack=SPAWN,
    )
    seven.park(310 * US, "sleep", NAP, tid=12).ready(410 * US).run(415 * US, tid=12).exit(435 * US)
    b.go(8).run(320 * US, tid=11).park(325 * US, "sync.Mutex.Lock", LOCK, obj=0xD0, tid=11)
    return b


def written(write: Callable[..., str], engine: Engine, *arguments: Any, **options: Any) -> bytes:
    """What a format's `write` writes."""
    out = io.BytesIO()
    write(engine, out, *arguments, **options)
    return out.getvalue()
