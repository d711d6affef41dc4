"""Records one program as every Go builds it, and keeps what Go itself says of it beside that.

The program is tests/programs/lives.go, of which two processes run: one to its end, whose events are
known by number; and one that stays where its goroutines are blocked until the recorder has ended,
and is then made to dump them by SIGQUIT. One recorder watches all builds by one Go at once.
"""

from __future__ import annotations

import re
import signal
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import toolchains
from goruntime.running import parse_dump
from live import lives
from live.recording import RECORDER, ROOT, Recording, running, said

VERSIONS = toolchains.TOOLCHAINS
MODES = ("plain", "stripped", "pie", "pie-stripped", "cgo")
BLOCKED = sum(life.count for n, life in lives.LIVES.items() if n not in ("sleeper", "passer"))
LOSSES = ("lost_ring", "lost_stack", "read_faults")

_OF_A_GOROUTINE = re.compile(r"goroutine [1-9]")

Frame = tuple[str, str, int]  # function, file, line


@dataclass(frozen=True)
class Blocked:
    """Where a goroutine is blocked, innermost frame first, and the go statement that made it."""

    reason: str
    frames: list[Frame]
    created: Frame


@dataclass(frozen=True)
class Cell:
    """One build of the program: what was recorded of it, and what is known of it."""

    binary: dict[str, Any]  # as the manifest describes it
    lost: dict[str, int]
    counted: dict[str, lives.Counts]
    expected: dict[str, lives.Counts]
    parked: dict[int, Blocked]  # by the last event of each goroutine
    seen: dict[int, Blocked]  # by the last snapshot
    dumped: dict[int, Blocked]  # by Go's own dump

    @property
    def exact(self) -> bool:
        """Nothing is lost, and every event and every blocked goroutine is as it should be."""
        return (
            not any(self.lost.values())
            and self.counted == self.expected
            and len(self.dumped) == BLOCKED
            and self.parked == self.seen == self.dumped
        )


@cache
def run(version: str) -> dict[str, Cell]:
    """All builds by one Go, recorded; by mode."""
    source = ROOT / "tests" / "programs" / "lives.go"
    with ThreadPoolExecutor() as pool:
        built = list(pool.map(lambda mode: toolchains.build(version, source, mode), MODES))
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        out = Path(folder) / "trace"
        command = [*RECORDER, "--out", out, "--ring-size", "8M"]
        for binary in built:
            command += ["--exe", binary]
        recorder = stack.enter_context(running(command))
        said(recorder.stderr, "recording every process")
        staying = [
            stack.enter_context(running([binary, *lives.ARGUMENTS, "await"])) for binary in built
        ]
        ended = [_run_to_its_end(binary) for binary in built]
        for process in staying:
            said(process.stdout, "parked")
        recorder.send_signal(signal.SIGTERM)
        _, talk = recorder.communicate(timeout=60)
        assert recorder.returncode == 0, talk
        pids = zip(MODES, ended, staying, strict=True)
        return {mode: _cell(out, whole, process) for mode, whole, process in pids}


def _run_to_its_end(binary: Path) -> int:
    process = subprocess.Popen([binary, *lives.ARGUMENTS], stdout=subprocess.PIPE, text=True)
    printed, _ = process.communicate(timeout=60)
    assert (process.returncode, printed) == (0, "done\n")
    return process.pid


def _cell(out: Path, ended: int, staying: subprocess.Popen[str]) -> Cell:
    whole, still = Recording(out, ended), Recording(out, staying.pid)
    manifest = whole.manifest
    (number,) = {p["exe"] for p in manifest["processes"] if p["pid"] in (ended, staying.pid)}
    binary = manifest["exes"][number]
    return Cell(
        binary=binary,
        lost={name: manifest["totals"][name] for name in LOSSES},
        counted={kind: lives.counted(whole, kind) for kind in lives.KINDS},
        expected={kind: lives.expected(kind, binary["wait_reasons"]) for kind in lives.KINDS},
        parked=_blocked(still, _PARKED),
        seen=_blocked(still, _SEEN),
        dumped=_dumped(staying),
    )


# Main waits for its standard input, in a system call.
_PARKED = """
    with last as (
        from events qualify row_number() over (partition by goid order by ts desc) = 1
    )
    select e.goid, e.reason, e.stack_id, c.pc, s.name
    from last e join spawned s using (goid) join events c using (goid)
    where e.kind = 'park' and e.goid != 1 and c.kind = 'create'
"""
_SEEN = """
    select goid, reason, stack_id, gopc, s.function
    from goroutines join symbols s on s.pc = startpc and s.depth = 0
    where snapshot = (select max(snapshot) from goroutines) and status = 'waiting' and goid != 1
"""


def _blocked(recording: Recording, query: str) -> dict[int, Blocked]:
    stacks = dict(recording.sql("select stack_id, pcs from stacks"))
    symbols: dict[int, list[Frame]] = {}
    for pc, *frame in recording.sql(
        "select pc, function, file, line from symbols order by pc, depth"
    ):
        symbols.setdefault(pc, []).append((frame[0], frame[1], frame[2]))
    return {
        goid: Blocked(
            reason, _shown([f for p in stacks[stack] for f in symbols[p]]), symbols[pc][0]
        )
        for goid, reason, stack, pc, start in recording.sql(query)
        if not start.startswith("runtime.")
    }


def _dumped(process: subprocess.Popen[str]) -> dict[int, Blocked]:
    process.send_signal(signal.SIGQUIT)
    assert process.stderr
    blocks = process.stderr.read().split("\n\n")
    found = {}
    for goid, g in parse_dump("\n\n".join(b for b in blocks if _OF_A_GOROUTINE.match(b))).items():
        frames = _shown(g.frames)
        if goid != 1 and frames:  # none: one of the runtime's own
            assert g.created
            found[goid] = Blocked(g.state, frames, g.created)
    return found


def _shown(frames: list[Frame]) -> list[Frame]:
    """Without frames of the runtime, most of which Go's dump leaves out."""
    return [f for f in frames if not f[0].startswith("runtime.")]
