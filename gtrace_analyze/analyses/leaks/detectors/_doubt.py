"""Why a wait that stands open may not be one wait."""

from __future__ import annotations

from gtrace_analyze.analyses.leaks.model import Scene, WaitGroup

__all__ = ["uncertainty"]


def uncertainty(group: WaitGroup, scene: Scene) -> str:
    """A sentence on the goroutines of a group that may have been woken unseen."""
    if scene.snapshots:
        return (
            f"Only {scene.snapshots} snapshots were recorded: {group.uncertain} of them may have "
            "been woken in between."
        )
    return f"Events were lost while {group.uncertain} of them waited, so they may have been woken."
