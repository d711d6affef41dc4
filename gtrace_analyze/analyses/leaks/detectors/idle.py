"""Waits that are somebody's job: the kind of wait, or who waits, says that it may last."""

from __future__ import annotations

from gtrace_analyze.analyses.leaks.model import Finding, Scene, WaitGroup
from gtrace_analyze.units import duration

__all__ = ["detect"]

# A wait for one of these is ended by the clock, the network or the runtime, not by a goroutine.
_BY_ITSELF = {
    "IO wait": "they wait for the network or a file, which may speak up at any time",
    "sleep": "they sleep, and the clock will wake them",
}
_SERVANTS = ("os/signal.loop", "os/signal.signal_recv")


def detect(group: WaitGroup, scene: Scene) -> Finding | None:
    """An excuse, where there is one."""
    if group.start_function == "runtime.main":
        return Finding("idle", f"This is the main goroutine, in {group.reason}.")
    if group.reason in _BY_ITSELF:
        return Finding("idle", f"{group.count} wait: {_BY_ITSELF[group.reason]}.")
    if group.function in _SERVANTS:
        return Finding("idle", "It hands signals to the program.")
    if _comes_and_goes(group):
        return Finding(
            "idle",
            f"{group.ended:,} waits here ended, the longest after "
            f"{duration(group.ended_longest_ns)}; none of the {group.count} that are open is "
            "much older.",
        )
    return None


def _comes_and_goes(group: WaitGroup) -> bool:
    return group.ended_longest_ns is not None and group.oldest_ns <= 2 * group.ended_longest_ns
