"""Waits that nothing can end."""

from __future__ import annotations

from gtrace_analyze.analyses.leaks.model import Finding, Scene, WaitGroup

__all__ = ["detect"]

_NEVER = {
    "chan receive (nil chan)": "a receive from a nil channel never returns",
    "chan send (nil chan)": "a send to a nil channel never returns",
    "select (no cases)": "a select without cases never returns",
}


def detect(group: WaitGroup, scene: Scene) -> Finding | None:
    """A leak, if Go itself says that the wait is for ever."""
    if group.reason not in _NEVER or (group.uncertain == group.count and not scene.snapshots):
        return None
    return Finding("leak", f"{group.count} will never go on: {_NEVER[group.reason]}.")
