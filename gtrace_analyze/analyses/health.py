"""How far a recording can be believed."""

from __future__ import annotations

import pyarrow as pa

from gtrace_analyze.analyses._order import ordered
from gtrace_analyze.engine import Engine

__all__ = ["collect", "notes"]


def collect(engine: Engine) -> pa.Table:
    """The view `health`, warnings first."""
    return ordered(engine.table("FROM health"), "-severity", "name", "description")


def notes(engine: Engine) -> list[str]:
    """The warnings, one line each; and that windows were recorded, which all numbers are of."""
    rows = engine.rows(
        "SELECT description FROM health WHERE severity = 'warning' OR name = 'windows'"
    )
    return [row["description"] for row in rows]
