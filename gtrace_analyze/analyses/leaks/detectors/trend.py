"""Go statements whose goroutines only become more, even if they are woken and do things.

A ticker's or a subscriber's goroutine that nobody stops is woken again and again, so its wait tells
nothing. That it never ends does.
"""

from __future__ import annotations

from gtrace_analyze.analyses.leaks.detectors import growth
from gtrace_analyze.analyses.leaks.model import Finding, Scene, Trend, WaitGroup
from gtrace_analyze.units import number

__all__ = ["detect", "rising", "sentence"]

_MIN_CREATED = 10
# A burst in the middle of the recording makes 0.5, a steady growth in every 40th of it 1.
_MIN_RISES = 0.8
# Goroutines that serve connections come with the clients.
_BY_CLIENTS = ("IO wait",)


def detect(group: WaitGroup, scene: Scene) -> Finding | None:
    """A suspect: the load may have grown all the time, too."""
    trend = rising(group.pid, group.created_at, scene)
    if trend is None or group.reason in _BY_CLIENTS:
        return None
    growing = growth.detect(group, scene)
    if growing and growing.verdict == "leak":  # which says the same, and more
        return None
    return Finding("suspect", sentence(trend), proof=True)


def rising(pid: int, created_at: str | None, scene: Scene) -> Trend | None:
    """The trend of a go statement, if it is that its goroutines only become more."""
    trend = scene.trends.get((pid, created_at))
    if trend is None or trend.created < _MIN_CREATED or trend.rises < _MIN_RISES:
        return None
    return None if trend.ended * 10 > trend.created else trend


def sentence(trend: Trend) -> str:
    """That they do."""
    return (
        f"The go statement that made them makes {number(trend.growth_per_s)} more per second than "
        f"end, all the time: {trend.created:,} made, {trend.ended:,} ended."
    )
