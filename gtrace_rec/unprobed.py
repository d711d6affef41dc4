"""Plan `snapshot`: a program without probes, for hosts where BPF is not to be had."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from gtrace_rec.goruntime import GoBinary
from gtrace_rec.limits import Control
from gtrace_rec.loader import LoadOptions, Losses
from gtrace_rec.probecost import Cost
from gtrace_rec.ring import Block, Gap
from gtrace_rec.selection import Selection


class NoRing:
    """A ring that nothing is ever written to."""

    fullest = 0.0

    def read_into(self, room: Block) -> int:
        """No records."""
        return 0


class NoProbes:
    """Stands where Probes would, and does nothing: neither bcc nor the kernel's BPF is touched."""

    attached = False

    def __init__(self, binary: GoBinary, options: LoadOptions) -> None:
        self.options = options
        self.selection = Selection(binary, options.choice)
        self.ring = NoRing()

    def attach(self, pid: int, path: str) -> None:
        """Nothing to attach."""

    def detach(self, pid: int | None = None) -> None:
        """Nothing to detach."""

    def trap_ns(self) -> float:
        """Nothing to be hit."""
        return 0.0

    def cost(self) -> Cost:
        """Nothing is hit."""
        return Cost(0, 0)

    def losses(self) -> Losses:
        """Nothing was lost, since nothing was asked for."""
        return Losses()

    def pending_gaps(self) -> list[Gap]:
        """No gaps."""
        return []

    def set_control(self, control: Control) -> None:
        """Nothing to leave out."""

    def stack(self, key: int) -> NDArray[np.uint64] | None:
        """No stacks."""
        return None

    def forget_stacks(self, keys: Iterable[int]) -> None:
        """No stacks."""

    def close(self) -> None:
        """Nothing to free."""
