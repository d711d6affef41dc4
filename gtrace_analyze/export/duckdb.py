"""A DuckDB file with the whole recording and all documented views, which needs no gtrace."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import duckdb

from gtrace_analyze import catalog
from gtrace_analyze._binding import bind, set_variables
from gtrace_analyze._cycles import NOTHING
from gtrace_analyze._errors import GtraceError
from gtrace_analyze._interrupts import interruptible
from gtrace_analyze.engine import Engine
from gtrace_analyze.units import counted

__all__ = ["write"]

_SETTINGS = "SET preserve_insertion_order = false; SET enable_progress_bar = false"
_RAW = re.compile(r"\braw_\w+")
_TEMP = re.compile(r"^CREATE TEMP (VIEW|MACRO)")


def write(engine: Engine, file: Path) -> str:
    """Write the file; returns what was written. Raises GtraceError if it cannot be written."""
    objects = catalog.load()
    try:
        with interruptible(), duckdb.connect(str(file)) as con:
            con.execute(_SETTINGS)
            bind(con, engine.recording)
            for name, table in NOTHING.items():
                con.register(name, table)
            for name in sorted({name for o in objects for name in _RAW.findall(o.sql)}):
                con.execute(f"CREATE TABLE main.{name} AS FROM temp.{name}")
        # Anew, without what `bind` made for the connection: only what lies in the file is there.
        with duckdb.connect(str(file)) as con:
            con.execute(_SETTINGS)
            set_variables(con)
            kept = [replace(o, sql=_TEMP.sub(r"CREATE \1", o.sql)) for o in objects]
            Engine(engine.recording, con, kept).provide([o.name for o in kept])
            for o in kept:
                _comment(con, o)
    except (duckdb.IOException, duckdb.FatalException) as e:
        reason = str(e).splitlines()[0]
        raise GtraceError(f"{file}: cannot be written: {reason}") from None
    views = sum(o.kind != "macro" for o in objects)
    return f"{counted(engine.recording.rows, 'event')} and {views} documented views and tables"


def _comment(con: duckdb.DuckDBPyConnection, o: catalog.SqlObject) -> None:
    """Keep the documentation beside the data, as DuckDB's own catalog shows it."""
    if o.kind == "macro":
        return
    con.execute(f"COMMENT ON {o.kind.upper()} {o.name} IS {_quoted(o.doc)}")
    for column, doc in o.columns.items():
        con.execute(f"COMMENT ON COLUMN {o.name}.{column} IS {_quoted(doc)}")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
