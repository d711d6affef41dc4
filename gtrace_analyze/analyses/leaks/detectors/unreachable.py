"""Waits on something that nothing that can still run refers to."""

from __future__ import annotations

from gtrace_analyze.analyses.leaks.model import Finding, Scene, WaitGroup

__all__ = ["detect"]


def detect(group: WaitGroup, scene: Scene) -> Finding | None:
    """A leak, proven by a search of the program's memory while they waited."""
    if not group.unreachable:
        return None
    unknown = group.count - group.unreachable
    others = "other" if unknown == 1 else f"other {unknown:,}"
    rest = f" The {others} came after the search." if unknown else ""
    they_wait = "it waits" if group.unreachable == 1 else "they wait"
    return Finding(
        "leak",
        f"{group.unreachable:,} can never be woken: by a search of the memory, no global variable "
        f"and no goroutine that can still run refers to what {they_wait} on.{rest}",
        proof=True,
    )
