"""What is to be said of a group that no detector has anything to say about."""

from __future__ import annotations

from gtrace_analyze.analyses.leaks.model import Finding, WaitGroup
from gtrace_analyze.units import duration

__all__ = ["describe"]


def describe(group: WaitGroup) -> Finding:
    """They wait, perhaps for long; that is all."""
    came = len(group.joins or [])
    history = f"{group.at_start:,} of the {group.count:,} waited here when the recording began"
    if not came:
        history = f"All {group.count:,} waited here when the recording began"
    reach = (
        " By a search of the memory, something that can run refers to what they wait on."
        if group.reachable == group.count
        else ""
    )
    return Finding(
        "idle",
        f"{history}, and they do not keep becoming more; the oldest waits for "
        f"{duration(group.oldest_ns)}.{reach}",
    )
