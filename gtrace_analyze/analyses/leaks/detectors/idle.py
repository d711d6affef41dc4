"""Waits that are somebody's job: the kind of wait, or who waits, says that it may last."""

from __future__ import annotations

from gtrace_analyze.analyses.leaks.model import Finding, Scene, WaitGroup
from gtrace_analyze.units import counted, duration

__all__ = ["detect"]

# A wait for one of these is ended by the clock, the network or the runtime, not by a goroutine.
_BY_ITSELF = {
    "IO wait": "for the network or a file, which may speak up at any time",
    "sleep": "for a time to pass, as it will",
}
_SERVANTS = ("os/signal.loop", "os/signal.signal_recv")


def detect(group: WaitGroup, scene: Scene) -> Finding | None:
    """An excuse, where there is one."""
    if group.start_function == "runtime.main":
        return Finding("idle", f"This is the main goroutine, in {group.reason}.")
    if group.reason in _BY_ITSELF:
        waiting = counted(group.count, "waits", "wait")
        return Finding("idle", f"{waiting} {_BY_ITSELF[group.reason]}.")
    if group.function in _SERVANTS:
        return Finding("idle", "It hands signals to the program.")
    if _comes_and_goes(group):
        return Finding(
            "idle",
            f"{counted(group.ended, 'wait')} here ended, "
            f"{'' if group.ended == 1 else 'the longest '}after "
            f"{duration(group.ended_longest_ns)}; {_open(group)} much older.",
        )
    return None


def _open(group: WaitGroup) -> str:
    if group.count == 1:
        return "the one that is open is not"
    return f"none of the {group.count:,} that are open is"


def _comes_and_goes(group: WaitGroup) -> bool:
    return group.ended_longest_ns is not None and group.oldest_ns <= 2 * group.ended_longest_ns
