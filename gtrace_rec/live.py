"""How many goroutines there are now: those of the first snapshot, and what happened since."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gtrace_rec.goruntime.snapshot import Snapshot
from gtrace_rec.plan import KIND_CODES
from gtrace_rec.ring import Block

_CREATED = [KIND_CODES["create"], KIND_CODES["create_parked"]]
_EXIT = KIND_CODES["exit"]


class LiveCount:
    """Counts goroutines of all processes together.

    A snapshot is taken after the probes are on. So a goroutine may be created, or end, both in the
    events and in the snapshot: those events are not counted again.
    """

    def __init__(self) -> None:
        self.count = 0
        self._until: dict[int, int] = {}  # by pid: when its snapshot was complete
        self._seen: dict[int, NDArray[np.int64]] = {}  # its goroutines
        self._born: dict[int, NDArray[np.int64]] = {}  # created before that, but not in it

    def begin(self, snapshot: Snapshot) -> None:
        """Start from this snapshot of a process."""
        goids = snapshot.rows["goid"]
        self.count += len(goids)
        self._seen[snapshot.pid] = goids
        self._until[snapshot.pid] = int(snapshot.rows["ts"].max(initial=0))
        self._born[snapshot.pid] = np.zeros(0, np.int64)

    def add(self, block: Block) -> None:
        """Count these events."""
        goid = block["goid"].astype(np.int64)
        born = np.isin(block["kind"], _CREATED)
        ended = block["kind"] == _EXIT
        for pid, until in self._until.items():
            early = (block["pid"] == pid) & (block["ts"] <= until)
            if not early.any():
                continue
            born &= ~(early & np.isin(goid, self._seen[pid]))
            self._born[pid] = np.union1d(self._born[pid], goid[early & born])
            ended &= ~(early & ~np.isin(goid, self._born[pid]))
        self.count += int(born.sum()) - int(ended.sum())
