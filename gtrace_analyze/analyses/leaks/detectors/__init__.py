"""The detectors, in the order in which their sentences appear.

A detector is a function of a group and its surroundings that returns a finding or None.
"""

from __future__ import annotations

from collections.abc import Callable

from gtrace_analyze.analyses.leaks.detectors import (
    forever,
    growth,
    idle,
    lock,
    sibling,
    trend,
    unreachable,
)
from gtrace_analyze.analyses.leaks.model import Finding, Scene, WaitGroup

__all__ = ["ALL"]

ALL: tuple[Callable[[WaitGroup, Scene], Finding | None], ...] = (
    idle.detect,
    unreachable.detect,
    forever.detect,
    lock.detect,
    sibling.detect,
    growth.detect,
    trend.detect,
)
