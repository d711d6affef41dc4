"""Why a wait that stands open may not be one wait."""

from __future__ import annotations

from gtrace_analyze.analyses.leaks.model import Scene, WaitGroup
from gtrace_analyze.units import counted

__all__ = ["uncertainty"]


def uncertainty(group: WaitGroup, scene: Scene) -> str:
    """A sentence on the goroutines of a group that may have been woken unseen."""
    if scene.snapshots:
        return (
            f"Only {counted(scene.snapshots, 'snapshot tells', 'snapshots tell')} of waits: "
            f"{group.uncertain:,} of them may have been woken in between."
        )
    who = "it" if group.uncertain == 1 else "they"
    return (
        f"Events were lost while {group.uncertain:,} of them waited, so {who} may have been woken."
    )
