"""What recording slows the target down by, over what bpftrace does that prints the same events.

Three processes of one program take turns: one on its own, one recorded, one traced by the probes
that one finds advised: at the entry of newproc1, gopark and goexit0. What the work took the first
is subtracted from both.
"""

from __future__ import annotations

import contextlib
import signal
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.ops import Ops, Took
from bench.recording import Recording, wait_for
from bench.result import Result, spread

_FUNCTIONS = ("newproc1", "gopark", "goexit0")
_WORK = {"pingpong": 1500, "churn": 1500}


def measure(rounds: int = 9) -> Iterator[Result]:
    """One result, of wall time; processor time stands in its details."""
    wall, cpu, slower = [], [], []
    with (
        tempfile.TemporaryDirectory() as own,
        Ops(threads=2) as alone,
        Ops(threads=2) as recorded,
        # bpftrace puts its probes on every process of a file, whatever -p says.
        Ops(threads=2, folder=Path(own)) as traced,
        Recording("--pid", str(recorded.pid), module="bench.three") as recording,
        _bpftrace(traced),
    ):
        for _ in range(rounds):
            took = [_once(target) for target in (alone, recorded, traced)]
            wall.append(_over([t.wall for t in took]))
            cpu.append(_over([t.cpu for t in took]))
            slower.append(took[2].wall / took[0].wall)
        recording.stop()
    yield Result(
        "slowdown of the target over bpftrace's, create, park and exit",
        statistics.median(wall),
        0.1,
        "×",
        details={
            "wall": spread(wall),
            "cpu": spread(cpu),
            "bpftrace, times slower": spread(slower),
        },
    )


def _once(target: Ops) -> Took:
    took = [target.do(work, times) for work, times in _WORK.items()]
    return Took(sum(t.cpu for t in took), sum(t.wall for t in took))


def _over(seconds: list[float]) -> float:
    alone, recorded, traced = seconds
    return (recorded - alone) / (traced - alone)


@contextlib.contextmanager
def _bpftrace(target: Ops) -> Iterator[None]:
    """Runs bpftrace on the target; it prints to a file."""
    script = "".join(
        f'uprobe:{target.path}:"runtime.{f}" {{ printf("%llu {f} %d\\n", nsecs, tid); }}'
        for f in _FUNCTIONS
    )
    with tempfile.NamedTemporaryFile() as out, Path(out.name).open("wb") as stdout:
        process = subprocess.Popen(
            ["bpftrace", "-p", str(target.pid), "-e", script],
            stdout=stdout,
            stderr=subprocess.DEVNULL,
        )
        try:

            def printed() -> bool:
                if process.poll() is not None:
                    raise RuntimeError("bpftrace ended")
                target.do("churn", 100)
                return b"goexit0" in Path(out.name).read_bytes()

            wait_for(printed)
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()
