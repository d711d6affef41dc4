"""Programs that leak goroutines or lock up, and the same put right, recorded all at once."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from live.recording import analyze, record, running, said

SECONDS = 7  # a lock that nobody gets is at a standstill after 5

LEAKS = (
    *("nil-channel", "empty-select", "lost-channel", "lost-group", "lost-condition"),
    *("abandoned-pool", "piling-up", "pollers", "callers", "clients", "streams", "lock"),
)
DEADLOCKS = ("cycle", "cycle-of-three", "channels", "stuck-holder", "gone", "self", "upgrade")
RIGHT = ("cycle-ordered", "stuck-holder-answered", "busy-holder", "self-once", "channels-started")

# By program: the modes in which it runs.
MODES = {
    "leaks.go": (*LEAKS, *(f"healed-{mode}" for mode in LEAKS), "idlers"),
    "deadlocks.go": (*DEADLOCKS, *RIGHT),
}


@dataclass(frozen=True)
class Troubles:
    """The recording, and the pids in it by mode."""

    out: Path
    pids: dict[str, int]

    def leaks(self, mode: str) -> list[dict[str, Any]]:
        """The groups of one program, idle ones too."""
        return [g for g in self._leaks if g["pid"] == self.pids[mode]]

    def deadlocks(self, mode: str) -> list[dict[str, Any]]:
        """The deadlocks of one program."""
        return [d for d in self._deadlocks if d["pid"] == self.pids[mode]]

    @cached_property
    def _leaks(self) -> list[dict[str, Any]]:
        return _printed(analyze("leaks", "--all", "--json", self.out))

    @cached_property
    def _deadlocks(self) -> list[dict[str, Any]]:
        return _printed(analyze("deadlocks", "--json", self.out))


def _printed(done: Any) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def record_troubles(out: Path, go_binary: Callable[..., Path]) -> Troubles:
    """Run every program in every mode, and record them together."""
    with contextlib.ExitStack() as stack:
        programs = {
            mode: stack.enter_context(running([go_binary(source, mode="stripped"), mode]))
            for source, modes in MODES.items()
            for mode in modes
        }
        for program in programs.values():
            said(program.stdout, "^ready")
        pids = {mode: program.pid for mode, program in programs.items()}
        chosen = [option for pid in pids.values() for option in ("--pid", str(pid))]
        done = record(out, *chosen, "--duration", f"{SECONDS}s", timeout=120)
        assert done.returncode == 0, done.stderr
    return Troubles(out, pids)
