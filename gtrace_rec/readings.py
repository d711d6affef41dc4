"""What the recorder knows of itself, once a second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gtrace_rec.schema import Totals


@dataclass(frozen=True)
class Readings:
    """The recorder at one moment. Counts are since its start."""

    ts: int
    totals: Totals
    dropped: Mapping[str, int]  # events by cause
    ring_fill: float
    live: int | None  # goroutines; None until a snapshot that is being taken tells
    sites_attached: int
    bytes_written: int
    cpu_ns: int
    rss_bytes: int
