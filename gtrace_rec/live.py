"""How many goroutines there are now: those of the first snapshot, and what happened since."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gtrace_rec.goruntime.snapshot import Snapshot
from gtrace_rec.plan import KIND_CODES
from gtrace_rec.ring import Block, creations

COUNTED_FIELDS = ("pid", "ts", "goid", "kind")  # all that is needed of an event
_EXIT = KIND_CODES["exit"]


class LiveCount:
    """Counts goroutines of all processes together.

    A snapshot is taken after the probes are on. Until it is complete, a goroutine may be created in
    the events and be in the snapshot too, which counts once; or end without ever having been in it,
    which counts not at all.
    """

    def __init__(self) -> None:
        self.count = 0
        self._until: dict[int, int] = {}  # by pid: when its snapshot was complete
        self._counted: dict[int, NDArray[np.int64]] = {}  # in it, or created before that

    def restart(self) -> None:
        """Forget all: nothing was seen for a while, and snapshots follow."""
        self.count = 0
        self._until.clear()
        self._counted.clear()

    def begin(self, snapshot: Snapshot) -> None:
        """Start from this snapshot of a process."""
        goids = snapshot.rows["goid"]
        self.count += len(goids)
        self._counted[snapshot.pid] = goids
        self._until[snapshot.pid] = int(snapshot.rows["ts"].max(initial=0))

    def add(self, block: Block) -> None:
        """Count these events."""
        goid = block["goid"].astype(np.int64)
        born = creations(block)
        ended = block["kind"] == _EXIT
        for pid, until in self._until.items():
            early = (block["pid"] == pid) & (block["ts"] <= until)
            if not early.any():
                continue
            rows = np.flatnonzero(early & (born | ended))[::-1]
            last, at = np.unique(goid[rows], return_index=True)  # goroutines lent to C live again
            alive = born[rows[at]]
            before = self._counted[pid]
            self._counted[pid] = np.union1d(np.setdiff1d(before, last[~alive]), last[alive])
            self.count += len(self._counted[pid]) - len(before)
            born &= ~early
            ended &= ~early
        self.count += int(born.sum()) - int(ended.sum())
