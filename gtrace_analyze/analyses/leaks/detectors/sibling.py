"""Goroutines that stand where others of their kind are proven to stand for ever.

The search of memory errs on one side: a word left over somewhere may look like a reference to what
a goroutine waits on, so some of those that are lost go unproven.
"""

from __future__ import annotations

from gtrace_analyze.analyses.leaks.model import Finding, Scene, WaitGroup
from gtrace_analyze.units import counted

__all__ = ["detect"]


def detect(group: WaitGroup, scene: Scene) -> Finding | None:
    """A suspect, if most of its kind are lost, and none here was woken since it stands."""
    if group.unreachable or not group.reachable:
        return None
    lost = sum(other.unreachable for other in scene.siblings(group))
    woken_since = group.last_end_ts is not None and group.last_end_ts > group.oldest_ts
    if lost < group.count or woken_since:
        return None
    return Finding(
        "suspect",
        f"{counted(lost, 'other', 'others')} of the same go statement "
        f"{'stands' if lost == 1 else 'stand'} at the same place and can never be woken, "
        "by a search of the memory. Something seems to refer to what "
        f"{'this one waits' if group.count == 1 else 'these wait'} on, which may be a "
        "word left over; none was woken here since.",
    )
