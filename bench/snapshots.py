"""What it takes to read ten thousand goroutines with their stacks from a program's memory."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

from bench.ops import environment
from bench.recording import ROOT, Recording
from bench.result import Result
from tests import toolchains

_COPIES = 2_000  # of five goroutines
_SECONDS = 8.0
_WHAT = {
    "0": "snapshot of 10,000 goroutines with stacks, processor time",
    "128M": "the same, and a search of the heap",  # the default
}


def measure() -> Iterator[Result]:
    """The recorder's processor time for one, when it takes one every second."""
    binary = toolchains.build(toolchains.NEWEST, ROOT / "tests/programs/parked.go", "stripped")
    target = subprocess.Popen(
        [binary, str(_COPIES)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(2, gc=True),
    )
    with target:
        assert target.stdout is not None
        while target.stdout.readline() != "ready\n":
            pass
        for heap, what in _WHAT.items():
            yield _measure(target.pid, heap, what)
        target.kill()


def _measure(pid: int, heap: str, what: str) -> Result:
    options = ("--plan", "snapshot", "--snapshot-interval", "1s", "--snapshot-heap", heap)
    with Recording(*options, "--pid", str(pid)) as recording:
        before = recording.processor_time()
        time.sleep(_SECONDS)
        recorded = recording.stop()
    taken = recorded.manifest["totals"]["snapshots"] - 1  # the first was before
    details = {"snapshots": taken, "bytes": recorded.bytes}
    return Result(what, (recorded.cpu - before) / taken, 2, " s", details=details)
