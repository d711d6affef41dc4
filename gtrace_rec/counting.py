"""What is counted of goroutines as they are recorded: how many live, and the metrics."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from numpy.lib.recfunctions import repack_fields

from gtrace_rec.live import COUNTED_FIELDS, LiveCount
from gtrace_rec.ring import Block

if TYPE_CHECKING:
    from gtrace_rec.metrics import Metrics


class Counting:
    """Counts events in their order, but those that come during a snapshot only after it.

    It tells of goroutines that these events may have been about.
    """

    def __init__(self) -> None:
        self.lives = LiveCount()
        self.metrics: Metrics | None = None
        self._waiting: list[tuple[Block, bool]] | None = None

    @property
    def live(self) -> int | None:
        """How many goroutines live; None while a snapshot is being taken."""
        return self.lives.count if self._waiting is None else None

    @contextlib.contextmanager
    def after_snapshot(self) -> Iterator[None]:
        """Keep what comes within for its end."""
        self._waiting = []
        try:
            yield
        finally:
            blocks, self._waiting = self._waiting, None
            for block, whole in blocks:
                self.add(block, whole=whole)

    def add(self, block: Block, *, whole: bool) -> None:
        """Count these events; not `whole`: some among them were lost."""
        if self._waiting is not None:
            kept = block.copy() if self.metrics else repack_fields(block[list(COUNTED_FIELDS)])
            self._waiting.append((kept, whole))
            return
        self.lives.add(block)
        if self.metrics:
            self.metrics.observe(block, whole=whole)
