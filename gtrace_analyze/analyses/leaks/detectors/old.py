"""What is to be said of a group that no detector has anything to say about."""

from __future__ import annotations

from gtrace_analyze.analyses.leaks.model import Finding, WaitGroup
from gtrace_analyze.units import duration

__all__ = ["describe"]


def describe(group: WaitGroup) -> Finding:
    """They wait, perhaps for long; that is all."""
    if group.at_start == group.count:
        history = "Waiting here since before the recording"
    elif group.at_start:
        history = f"{group.at_start:,} of the {group.count:,} wait here since before the recording"
    else:
        history = "Waiting here since some time in the recording"
    reach = (
        " By a search of the memory, something that can run refers to what they wait on."
        if group.reachable == group.count
        else ""
    )
    return Finding(
        "idle",
        f"{history}, the oldest for {duration(group.oldest_ns)}; they do not keep becoming more."
        f"{reach}",
    )
