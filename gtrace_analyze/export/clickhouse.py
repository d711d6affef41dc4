"""ClickHouse: tables that fit its storage, loaded by clickhouse-connect or from Parquet files.

Rows lie by recording and then by what is asked for most; columns are packed by what they hold. A
recording is dropped `ttl_days` after it was loaded. Views beside the tables judge the groups of
waiting goroutines and give parks and scheduling latency, all with the numbers of the analyzer.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from gtrace_analyze._errors import GtraceError, UsageError
from gtrace_analyze.engine import Engine
from gtrace_analyze.export import _servers
from gtrace_analyze.export._network import reason
from gtrace_analyze.export._servers import Column, ServerTable
from gtrace_analyze.export._timeline import arguments
from gtrace_analyze.selection import ALL, Selection
from gtrace_analyze.units import counted

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["load", "schema", "write_all"]

_BATCH = 1 << 18  # rows of an INSERT; each becomes a part on disk, to be merged later
_TYPES = {
    pa.bool_(): "Bool",
    pa.int16(): "Int16",
    pa.int32(): "Int32",
    pa.int64(): "Int64",
    pa.float64(): "Float64",
    pa.string(): "LowCardinality(String)",
    pa.timestamp("ns", "UTC"): "DateTime64(9, 'UTC')",
}
_LONG_TEXT = {"path", "description"}
# In clickhouse_views/, in this order since a view can only be made of those that are there.
_VIEWS = [
    *("spans", "waits", "park_survival", "park_stats", "runnables", "latency_stats"),
    *("first_snapshots", "creation_trends", "wait_groups", "unparked_groups", "leaks"),
]


def schema(engine: Engine, ttl_days: int = 30) -> list[str]:
    """The statements that make the tables and views in the current database.

    Tables that are there already stay as they are. With `ttl_days` 0, nothing is ever dropped.
    """
    views = resources.files("gtrace_analyze") / "export" / "clickhouse_views"
    created = [_create(table, ttl_days) for table in _servers.tables(engine)]
    return created + [(views / f"{name}.sql").read_text().strip() for name in _VIEWS]


def write_all(
    engine: Engine,
    directory: Path,
    database: str,
    name: str,
    ttl_days: int,
    selection: Selection = ALL,
) -> str:
    """Write schema.sql, the tables as Parquet and load.sql; returns what was written.

    Raises UsageError if no goroutine is in the selection.
    """
    head = [f"CREATE DATABASE IF NOT EXISTS {_name(database)}", f"USE {_name(database)}"]
    _write_script(directory / "schema.sql", head + schema(engine, ttl_days))
    loading = head[1:]
    for table in _servers.tables(engine):
        loading += [
            _clear(table, name),
            f"INSERT INTO {table.name} ({', '.join(c.name for c in table.columns)}) "
            f"FROM INFILE '{table.name}.parquet' FORMAT Parquet",
        ]
        _write_parquet(engine, table, name, selection, directory / f"{table.name}.parquet")
    _write_script(directory / "load.sql", loading)
    return f"{len(_servers.tables(engine))} tables of recording {name}"


def load(
    engine: Engine,
    server: str,
    database: str,
    name: str,
    ttl_days: int,
    selection: Selection = ALL,
) -> str:
    """Load into a server, replacing the recording of this name; returns what was loaded.

    `server` is what clickhouse-connect takes as a DSN: http://user:password@host:8123. Raises
    GtraceError, with the server's own words, if that fails; UsageError if no goroutine is in the
    selection.
    """
    import clickhouse_connect
    from clickhouse_connect.driver.exceptions import ClickHouseError

    where = _shown(server)
    arguments(engine, selection)
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)  # all it says is raised
    rows = 0
    try:
        with clickhouse_connect.get_client(dsn=server) as client:
            client.command(f"CREATE DATABASE IF NOT EXISTS {_name(database)}")
            client.database = database
            for statement in schema(engine, ttl_days):
                client.command(statement)
            for table in _servers.tables(engine):
                rows += _load_table(client, engine, table, name, selection)
    except (ClickHouseError, ImportError) as e:
        raise GtraceError(f"{where}: {reason(e)}") from None
    return f"{counted(rows, 'row')} of recording {name}"


def _load_table(
    client: Client, engine: Engine, table: ServerTable, name: str, selection: Selection
) -> int:
    client.command(_clear(table, name))
    rows = 0
    for batch in _servers.rows(engine, table, name, selection, _BATCH):
        if batch.num_rows:
            client.insert_arrow(table.name, pa.Table.from_batches([batch]))
            rows += batch.num_rows
    return rows


def _create(table: ServerTable, ttl_days: int) -> str:
    columns = [_column(column) for column in table.columns]
    columns.append("loaded DateTime('UTC') DEFAULT now() COMMENT 'when it was loaded'")
    ttl = f"TTL loaded + INTERVAL {ttl_days} DAY DELETE\n" if ttl_days else ""
    return (
        f"CREATE TABLE IF NOT EXISTS {table.name} (\n    " + ",\n    ".join(columns) + "\n)\n"
        "ENGINE = MergeTree\n"
        "PARTITION BY toDate(loaded, 'UTC')\n"
        f"ORDER BY ({', '.join(('recording', *table.key))})\n{ttl}"
        "SETTINGS ttl_only_drop_parts = 1\n"
        f"COMMENT {_quoted(table.doc)}"
    )


def _column(column: Column) -> str:
    kind = "String" if column.json or column.name in _LONG_TEXT else _TYPES[column.type]
    if column.nullable:
        inner, low = kind.removeprefix("LowCardinality("), kind.startswith("Low")
        kind = f"LowCardinality(Nullable({inner})" if low else f"Nullable({kind})"
    codec = f" CODEC({packing})" if (packing := _codec(column)) else ""
    return f"{column.name} {kind}{codec} COMMENT {_quoted(column.doc)}"


def _codec(column: Column) -> str:
    """Differences where neighbours are alike, dropped bits where values are small."""
    if column.json:
        return "ZSTD(3)"
    if pa.types.is_timestamp(column.type) or column.name in ("ts", "ts_end", "goid"):
        return "Delta, ZSTD(1)"
    return "T64, ZSTD(1)" if pa.types.is_integer(column.type) else ""


def _clear(table: ServerTable, name: str) -> str:
    return f"DELETE FROM {table.name} WHERE recording = {_quoted(name)}"


def _write_parquet(
    engine: Engine, table: ServerTable, name: str, selection: Selection, file: Path
) -> None:
    writer = None
    for batch in _servers.rows(engine, table, name, selection, _BATCH):
        writer = writer or pq.ParquetWriter(file, batch.schema, compression="zstd")
        writer.write_batch(batch)
    if writer is not None:
        writer.close()


def _write_script(file: Path, statements: list[str]) -> None:
    file.write_text("".join(f"{statement};\n" for statement in statements))


def _shown(server: str) -> str:
    """The server without its password."""
    parts: Iterator[str | int | None] = iter(())
    try:
        split = urlsplit(server)
        parts = iter((split.hostname, split.port))
    except ValueError:
        raise UsageError(f"--server {server}: is no URL; write http://localhost:8123") from None
    if not split.scheme or "://" not in server:
        raise UsageError(f"--server {server}: is no URL; write http://localhost:8123")
    host = ":".join(str(part) for part in parts if part) or split.path
    return f"{split.scheme}://{host}"


def _name(identifier: str) -> str:
    return "`" + identifier.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
