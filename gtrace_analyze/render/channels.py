"""Channels as a listing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from gtrace_analyze.render.listing import Column, Layout, merged, show
from gtrace_analyze.units import duration, number, short_function

__all__ = ["show_channels"]

_COLUMNS = [
    Column("obj", "CHANNEL", lambda address: f"{address:#x}"),
    Column("fill", "LEN/CAP", right=True),
    Column("senders", "SEND", number, right=True),
    Column("send_ns", "WAITED", duration, right=True),
    Column("sending", "OPEN", number, right=True),
    Column("receivers", "RECEIVE", number, right=True),
    Column("receive_ns", "WAITED", duration, right=True),
    Column("receiving", "OPEN", number, right=True),
    Column("send_function", "SENDS IN", short_function, elastic=True),
    Column("receive_function", "RECEIVES IN", short_function, elastic=True),
]


def show_channels(found: Mapping[str, pa.Table], layout: Layout) -> None:
    """Print the channels of one or several traces, by their sources."""
    rows, names = merged(found, lambda row: -row["send_ns"] - row["receive_ns"])
    source = [Column("source", "SOURCE", elastic=True)] if "source" in names else []
    if layout.form == "text":
        rows = [row | {"fill": _fill(row)} for row in rows]
    show(rows, [*source, *_COLUMNS], layout, names)


def _fill(row: dict[str, Any]) -> str:
    if row["chan_cap"] is None:
        return "-"
    closed = " closed" if row["chan_closed"] else ""
    return f"{row['chan_len']:,}/{row['chan_cap']:,}{closed}"
