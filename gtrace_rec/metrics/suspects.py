"""Go statements whose goroutines only become more: suspects, until a recording is analyzed.

How many goroutines of a go statement live goes up and down with the load. What rises with a leak,
and with a leak only, is the low-water mark: the window is cut into spans, and a statement is
suspect if the fewest that lived in each span are more than the fewest in the span before.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gtrace_rec.metrics.lives import UNKNOWN_SITE

SPANS = 5


@dataclass(frozen=True)
class Suspect:
    """One go statement, by its site in Lives."""

    site: int
    live: int
    growth_per_s: float


class Suspects:
    """The low-water marks of one process's go statements."""

    def __init__(self, window_ns: int) -> None:
        self._span_ns = max(window_ns // SPANS, 1)
        self._marks: deque[NDArray[np.int64]] = deque(maxlen=SPANS)
        self._lowest: NDArray[np.int64] | None = None
        self._span_start = 0

    def sample(self, ts: int, live: NDArray[np.int64]) -> None:
        """Take note of how many live, by site; sites are only ever added."""
        if self._lowest is None:
            self._span_start, self._lowest = ts, live.copy()
        elif ts - self._span_start >= self._span_ns:
            self._marks.append(self._lowest)
            self._span_start, self._lowest = ts, live.copy()
        else:
            # A site that was not there had none.
            self._lowest = np.minimum(_grown(self._lowest, len(live)), live)

    def found(self, live: NDArray[np.int64]) -> list[Suspect]:
        """The suspects as of the last sample; none before a whole window has passed."""
        if len(self._marks) < SPANS:
            return []
        marks = np.array([_grown(m, len(live)) for m in self._marks])
        rising = np.flatnonzero((np.diff(marks, axis=0) > 0).all(axis=0))
        growth = (marks[-1] - marks[0]) / ((SPANS - 1) * self._span_ns / 1e9)
        return [
            Suspect(site, int(live[site]), float(growth[site]))
            for site in rising.tolist()
            if site != UNKNOWN_SITE
        ]


def _grown(values: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    return np.concatenate([values, np.zeros(length - len(values), np.int64)])
