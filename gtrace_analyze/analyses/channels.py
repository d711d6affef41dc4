"""Who meets at which channel, and waits there."""

from __future__ import annotations

import pyarrow as pa

from gtrace_analyze.engine import Engine
from gtrace_analyze.selection import ALL, Selection

__all__ = ["collect"]


def collect(engine: Engine, selection: Selection = ALL) -> pa.Table:
    """Channels by address, those with most waiting first; the columns are those of `channels`.

    A selection takes whole waits that overlap its time, and snapshots within it.
    """
    source, parameters = selection.source(engine, "channels")
    return engine.table(
        f"SELECT * FROM {source} ORDER BY send_ns + receive_ns DESC, pid, obj", parameters
    )
