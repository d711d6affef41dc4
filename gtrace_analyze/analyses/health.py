"""How far a recording can be believed."""

from __future__ import annotations

import pyarrow as pa

from gtrace_analyze.engine import Engine

__all__ = ["collect", "notes"]

_SQL = "SELECT * FROM health ORDER BY severity DESC, name, description"


def collect(engine: Engine) -> pa.Table:
    """The view `health`, warnings first."""
    return engine.table(_SQL)


def notes(engine: Engine) -> list[str]:
    """The warnings, one line each."""
    rows = engine.rows("SELECT description FROM health WHERE severity = 'warning'")
    return [row["description"] for row in rows]
