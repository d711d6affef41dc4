"""What being recorded costs the witness."""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import toolchains
from conformance.observe import PROGRAMS, record

_WORK = ("3", "-", "channels", "churn")
_TURNS = 5


@dataclass(frozen=True)
class Cost:
    """Processor time of one run of the program, ns, with its events if recorded."""

    plan: str
    alone_ns: int
    recorded_ns: int
    events: int


def cost(version: str, plan: str) -> Cost:
    """Run the program, built by Go `version`, with and without being recorded, in turns."""
    command = [str(toolchains.build(version, PROGRAMS / "witness")), *_WORK]
    alone, recorded, events = [], [], 0
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(_TURNS):
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            alone.append(_used(done.stdout))
            recording = Path(folder) / str(turn)
            recorded.append(_used(record(recording, command, plan)))
            events = json.loads((recording / "_manifest.json").read_text())["totals"]["events"]
    return Cost(plan, int(statistics.median(alone)), int(statistics.median(recorded)), events)


def _used(said: str) -> int:
    """The processor time that the program says it used."""
    return int(said.split("used ")[1])
