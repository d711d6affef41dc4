"""PostgreSQL: tables in a schema of their own, filled by COPY.

Each part of a recording (a file of events; any other table whole) is loaded in a transaction of its
own, which also notes in `loads` that it is there. So a load that was broken off goes on where it
was, one that is repeated does nothing, and one of a recording that has grown adds what is new.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier, Literal

from gtrace_analyze import catalog
from gtrace_analyze._errors import GtraceError, UsageError
from gtrace_analyze.engine import Engine
from gtrace_analyze.export import _servers
from gtrace_analyze.export._network import reason
from gtrace_analyze.export._servers import Column, ServerTable
from gtrace_analyze.export._timeline import arguments
from gtrace_analyze.selection import ALL, Selection
from gtrace_analyze.units import counted
from gtrace_rec import __version__

__all__ = ["load"]

_BATCH = 1 << 16  # rows
_TYPES = {
    pa.bool_(): "boolean",
    pa.int16(): "smallint",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float64(): "double precision",
    pa.string(): "text",
    pa.timestamp("ns", "UTC"): "timestamptz",
}
_LOADS = """
CREATE TABLE IF NOT EXISTS loads (
    recording text, part text, digest text NOT NULL, rows bigint NOT NULL,
    loaded timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (recording, part)
)"""
_NOTE = """
INSERT INTO loads (recording, part, digest, rows) VALUES (%s, %s, %s, %s)
ON CONFLICT (recording, part) DO UPDATE
SET digest = excluded.digest, rows = excluded.rows, loaded = now()"""

Connection = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True)
class _Part:
    """What is loaded at once; of events, the part of that number.

    The digest changes when the rows may have.
    """

    name: str
    table: ServerTable
    digest: str
    number: int | None = None


def load(engine: Engine, server: str, schema: str, name: str, selection: Selection = ALL) -> str:
    """Load all that is not there yet; returns what was loaded.

    `server` is what libpq takes: postgresql://user:password@host/database, "dbname=x", or nothing
    for its environment. Raises GtraceError, with the server's own words, if that fails; parts
    loaded before stay. Raises UsageError if no goroutine is in the selection.
    """
    where = _shown(server)
    tables = _servers.tables(engine)
    arguments(engine, selection)
    rows = done = 0
    try:
        with psycopg.connect(server, autocommit=True, connect_timeout=10) as con:
            _prepare(con, schema, tables)
            parts = list(_parts(engine, tables, selection))
            _drop_others(con, name, parts)
            for part in parts:
                if (loaded := _load(con, engine, part, name, selection)) is not None:
                    rows, done = rows + loaded, done + 1
    except psycopg.Error as e:
        before = f"; {counted(done, 'part')} loaded before, and kept" if done else ""
        raise GtraceError(f"{where}: {reason(e)}{before}") from None
    return f"{counted(rows, 'row')} in {done} of {counted(len(parts), 'part')} of recording {name}"


def _prepare(con: Connection, schema: str, tables: list[ServerTable]) -> None:
    """Make what is missing, and make it what names stand for in this connection."""
    with con.transaction():
        con.execute("SET client_min_messages = warning")
        con.execute("SELECT pg_advisory_xact_lock(hashtext('gtrace schema'))")
        con.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(schema)))
        con.execute(SQL("SET search_path = {}").format(Identifier(schema)))
        con.execute(_LOADS)
        for table in tables:
            _create(con, table)


def _create(con: Connection, table: ServerTable) -> None:
    columns = [
        SQL("{} {}{}").format(
            Identifier(c.name), SQL(_type(c)), SQL("" if c.nullable else " NOT NULL")
        )
        for c in table.columns
    ]
    if table.name == "events":
        columns.append(SQL("{} text NOT NULL").format(Identifier("part")))
    here, keys = Identifier(table.name), ("recording", *table.key)
    con.execute(SQL("CREATE TABLE IF NOT EXISTS {} ({})").format(here, SQL(", ").join(columns)))
    con.execute(
        SQL("CREATE INDEX IF NOT EXISTS {} ON {} ({})").format(
            Identifier(f"{table.name}_key"), here, SQL(", ").join(map(Identifier, keys))
        )
    )
    con.execute(SQL("COMMENT ON TABLE {} IS {}").format(here, Literal(table.doc)))
    for c in table.columns:
        column = Identifier(table.name, c.name)
        con.execute(SQL("COMMENT ON COLUMN {} IS {}").format(column, Literal(c.doc)))


def _type(column: Column) -> str:
    return "jsonb" if column.json else _TYPES[column.type]


def _parts(engine: Engine, tables: list[ServerTable], selection: Selection) -> Iterator[_Part]:
    recording = engine.recording
    some = "" if selection == ALL else f" {sorted(selection.parameters(engine).items())}"
    files = [(p.path.name, f"{p.rows} {p.path.stat().st_size}{some}") for p in recording.parts]
    files += [(f"in progress {n}", f"{s.num_rows}{some}") for n, s in enumerate(recording.streams)]
    everything = f"{__version__} {catalog.digest()} {recording.status} {files} {recording.damage}"
    whole = hashlib.sha256(everything.encode()).hexdigest()[:16]
    for table in tables:
        if table.name == "events":
            for number, (name, digest) in enumerate(files):
                yield _Part(name, table, digest, number)
        else:
            yield _Part(table.name, table, whole)


def _drop_others(con: Connection, name: str, parts: list[_Part]) -> None:
    """Drop what was in progress when it was loaded, and has become a part since."""
    kept = [part.name for part in parts]
    with con.transaction():
        gone = con.execute(
            "DELETE FROM loads WHERE recording = %s AND part <> ALL(%s) RETURNING part",
            (name, kept),
        ).fetchall()
        for (part,) in gone:
            con.execute("DELETE FROM events WHERE recording = %s AND part = %s", (name, part))


def _load(
    con: Connection, engine: Engine, part: _Part, name: str, selection: Selection
) -> int | None:
    """Load a part; returns the number of its rows, None if it is there already."""
    with con.transaction():
        con.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (f"gtrace {name}",))
        found = con.execute(
            "SELECT digest FROM loads WHERE recording = %s AND part = %s", (name, part.name)
        ).fetchone()
        if found == (part.digest,):
            return None
        _clear(con, part, name)
        rows = _copy(con, engine, part, name, selection)
        con.execute(_NOTE, (name, part.name, part.digest, rows))
        return rows


def _clear(con: Connection, part: _Part, name: str) -> None:
    of_part = SQL("") if part.number is None else SQL(" AND part = {}").format(Literal(part.name))
    con.execute(
        SQL("DELETE FROM {} WHERE recording = {}{}").format(
            Identifier(part.table.name), Literal(name), of_part
        )
    )


def _copy(con: Connection, engine: Engine, part: _Part, name: str, selection: Selection) -> int:
    names = [c.name for c in part.table.columns] + (["part"] if part.number is not None else [])
    statement = SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        Identifier(part.table.name), SQL(", ").join(map(Identifier, names))
    )
    rows = 0
    with con.cursor() as cursor, cursor.copy(statement) as copy:
        for batch in _servers.rows(engine, part.table, name, selection, _BATCH, part.number):
            columns = [_without_nul(column) for column in batch.columns]
            if part.number is not None:
                columns.append(pa.repeat(part.name, batch.num_rows))
            copy.write(_csv(pa.RecordBatch.from_arrays(columns, names)))
            rows += batch.num_rows
    return rows


def _csv(batch: pa.RecordBatch) -> bytes:
    """Strings are quoted and NULL is not, which is how COPY tells it from an empty string."""
    out = io.BytesIO()
    pyarrow.csv.write_csv(batch, out, pyarrow.csv.WriteOptions(include_header=False))
    return out.getvalue()


def _without_nul(column: pa.Array) -> pa.Array:
    """PostgreSQL has no character 0; a replacement character stands for it."""
    if not pa.types.is_string(column.type):
        return column
    return pc.replace_substring(pc.replace_substring(column, "\0", "�"), r"\u0000", "�")


def _shown(server: str) -> str:
    """The server without its password."""
    try:
        parts = conninfo_to_dict(server)
    except psycopg.Error as e:
        raise UsageError(
            f"--server: is no address of PostgreSQL ({reason(e)}); write postgresql://host/database"
        ) from None
    host = f"{parts.get('host', '')}:{parts['port']}" if "port" in parts else parts.get("host", "")
    return f"postgresql://{host or ''}/{parts.get('dbname', '')}"
