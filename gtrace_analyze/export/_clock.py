"""Wall-clock time of a recording's moments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gtrace_rec.schema import Manifest

__all__ = ["Clock"]


@dataclass(frozen=True)
class Clock:
    """CLOCK_MONOTONIC to wall time, by readings of both; between two readings in proportion.

    Before the first and after the last reading, the wall clock is taken to run as the other does.
    """

    mono: npt.NDArray[np.int64]
    wall_minus_mono: npt.NDArray[np.int64]

    @classmethod
    def of(cls, manifest: Manifest) -> Clock:
        """The clock of a recording; wall time counts from 1970 even where there is no reading."""
        readings = [(r.mono_ns, r.wall_ns - r.mono_ns) for r in manifest.clock] or [(0, 0)]
        mono, ahead = np.array(sorted(readings), np.int64).T
        return cls(mono, ahead)

    def walls(self, ts: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Ns since 1970 of moments of the recording."""
        # Floats carry 53 bits, too few for ns since 1970, but plenty for the drift.
        base = self.wall_minus_mono[0]
        drift = np.interp(ts - self.mono[0], self.mono - self.mono[0], self.wall_minus_mono - base)
        walls: npt.NDArray[np.int64] = ts + base + np.rint(drift).astype(np.int64)
        return walls

    def wall(self, ts: int) -> int:
        """The same of a single moment."""
        return int(self.walls(np.array([ts], np.int64))[0])
