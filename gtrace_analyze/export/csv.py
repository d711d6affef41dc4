"""Comma-separated values, as RFC 4180 has them, in UTF-8. NULL is an empty field."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import pyarrow.csv

from gtrace_analyze.engine import Engine
from gtrace_analyze.export import _tables
from gtrace_analyze.selection import ALL, Selection

__all__ = ["write", "write_all"]


def write(
    engine: Engine, out: BinaryIO, selection: Selection = ALL, table: str = "intervals"
) -> str:
    """Write one table; returns what was written.

    Raises UsageError if there is no such table or nothing in the selection.
    """
    return _tables.copy(
        engine,
        _tables.table(table),
        selection,
        flat=True,
        open_writer=lambda schema: pyarrow.csv.CSVWriter(out, schema),
    )


def write_all(engine: Engine, directory: Path, selection: Selection = ALL) -> str:
    """Write each table to a file of its name in the directory; returns what was written."""
    return _tables.copy_all(
        directory, ".csv", lambda out, table: write(engine, out, selection, table)
    )
