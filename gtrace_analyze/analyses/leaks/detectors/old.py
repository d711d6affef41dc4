"""What is to be said of a group that no detector has anything to say about."""

from __future__ import annotations

from gtrace_analyze.analyses.leaks.model import Finding, WaitGroup
from gtrace_analyze.units import duration

__all__ = ["describe"]


def describe(group: WaitGroup) -> Finding:
    """They wait, perhaps for long; that is all."""
    one = group.count == 1
    they_wait = "It waits" if one else "They wait"
    if group.at_start == group.count:
        history = f"{they_wait} here since before the recording"
    elif group.at_start:
        waiting = "waits" if group.at_start == 1 else "wait"
        history = (
            f"{group.at_start:,} of the {group.count:,} {waiting} here since before the recording"
        )
    else:
        history = f"{they_wait} here since a moment within the recording"
    more = "it is the only one" if one else "they do not keep becoming more"
    reach = (
        f" By a search of the memory, something that can run refers to what {they_wait.lower()} on."
        if group.reachable == group.count
        else ""
    )
    return Finding(
        "idle",
        f"{history}, {'' if one else 'the oldest '}for {duration(group.oldest_ns)}; {more}.{reach}",
    )
