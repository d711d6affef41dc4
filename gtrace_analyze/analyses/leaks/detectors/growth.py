"""Groups that become larger throughout the recording and give nobody back."""

from __future__ import annotations

from gtrace_analyze.analyses.leaks.detectors._doubt import uncertainty
from gtrace_analyze.analyses.leaks.model import Finding, Scene, WaitGroup
from gtrace_analyze.units import duration

__all__ = ["detect"]

_TENTHS = 10
# A burst (a pool that is filled, a server that gets its first clients) stays within few tenths of
# the time looked at; what leaks with the load does not.
_MIN_TENTHS = 3
_MIN_JOINS = 3


def detect(group: WaitGroup, scene: Scene) -> Finding | None:
    """A leak, if goroutines kept coming to stand here, in several tenths of the time.

    A suspect only, if that rests on goroutines that may have been woken unseen.
    """
    joins = group.joins or []
    length = max(scene.end - scene.start, 1)
    tenths = _tenths(joins, scene)
    if not _grows(joins, tenths):
        return None
    certain = group.certain_joins or []
    sure = _grows(certain, _tenths(certain, scene))
    doubt = f" {uncertainty(group, scene)}" if group.uncertain else ""
    woken = (
        f"{group.ended:,} other waits here ended, the longest after "
        f"{duration(group.ended_longest_ns)}"
        if group.ended
        else "none was ever woken"
    )
    return Finding(
        "leak" if sure else "suspect",
        f"{group.count:,} wait here; {len(joins):,} of them came within {duration(length)}, in "
        f"{len(tenths)} of {_TENTHS} tenths of that time, {group.at_start:,} before. The oldest "
        f"waits for {duration(group.oldest_ns)}; {woken}.{doubt}",
    )


def _tenths(joins: list[int], scene: Scene) -> set[int]:
    """The tenths of the time looked at in which somebody came."""
    length = max(scene.end - scene.start, 1)
    return {min(_TENTHS - 1, (ts - scene.start) * _TENTHS // length) for ts in joins}


def _grows(joins: list[int], tenths: set[int]) -> bool:
    return len(joins) >= _MIN_JOINS and len(tenths) >= _MIN_TENTHS
