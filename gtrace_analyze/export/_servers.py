"""A recording as the tables of a database server, which may hold several.

All tables begin with a column `recording`, by which a recording is told from the others and
replaced when it is loaded again. Lists and maps are JSON.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from gtrace_analyze._binding import PART_SHIFT
from gtrace_analyze.analyses import leaks
from gtrace_analyze.engine import Engine
from gtrace_analyze.export import _tables
from gtrace_analyze.export._clock import Clock
from gtrace_analyze.selection import Selection

__all__ = ["Column", "ServerTable", "name_of", "rows", "tables"]

# Computed by a query on the server from the others, or superseded by the verdicts.
_NOT_LOADED = {"wait_groups"}
_VERDICTS = {
    "pid": "process",
    "function": "innermost function that is not plumbing; if no stack was taken NULL, but of those "
    "that do not wait the start function",
    "file": "its source file; NULL where the binary does not tell",
    "line": "the line they are at; NULL where the binary does not tell",
    "created_by": "function that contains the go statement; NULL where not known",
    "created_at": "file:line of the go statement; NULL where not known",
    "reason": "wait reason in Go's words; of those that do not wait syscall or running; NULL where "
    "not known",
    "count": "how many they are",
    "goids": "all of them, longest waiting first, or oldest",
    "oldest_ns": "how long the first of them waits, or if they do not wait, was seen to live, ns",
    "newest_ns": "the same of the last, ns",
    "growth_per_s": "by how many they became more, per second",
    "verdict": "leak, suspect or idle",
    "evidence": "why, in sentences",
    "stack": "stack of the first of them, innermost frame first",
}
_VERDICT_TYPES = {
    "pid": pa.int32(), "line": pa.int32(), "count": pa.int64(), "oldest_ns": pa.int64(),
    "newest_ns": pa.int64(), "growth_per_s": pa.float64(),
}  # fmt: skip
_JSON = {"goids", "evidence", "stack"}
# Here rows are whole: what lies partly in the span of time is loaded as it is, and so is what tells
# whether a wait that reaches into it can end.
_SOURCES = {
    "intervals": f"intervals {_tables.CHOSEN} "
    "WHERE ts <= coalesce($end, ts) AND coalesce(ts_end >= $start, true)",
    "snapshots": f"stg_goroutines {_tables.CHOSEN} WHERE ts <= coalesce($end, ts)",
}
_SPAN = {
    "from_ts": "from when on it was loaded, ns; NULL where that is from its start",
    "to_ts": "until when it was loaded, ns; NULL where that is to its end",
}


@dataclass(frozen=True)
class Column:
    """A column; `json` if its strings are such. `nullable` is what its documentation says."""

    name: str
    type: pa.DataType
    nullable: bool
    json: bool
    doc: str


@dataclass(frozen=True)
class ServerTable:
    """A table to load. Within a recording, rows lie in the order of `key`, which has no NULLs."""

    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]


def name_of(engine: Engine) -> str:
    """A name that no other recording has: host, start in UTC, pid of the recorder."""
    manifest = engine.recording.manifest
    wall = Clock.of(manifest).wall(manifest.started_ts)
    start = datetime.fromtimestamp(wall // 10**9, UTC).strftime("%Y%m%dT%H%M%S")
    host = manifest.host.get("hostname", "unknown")
    return f"{host}/{start}.{wall // 10**6 % 1000:03d}Z/{manifest.recorder.pid}"


def tables(engine: Engine) -> list[ServerTable]:
    """All tables."""
    found = [
        _server_table(engine, table)
        for name, table in _tables.TABLES.items()
        if name not in _NOT_LOADED
    ]
    columns = (
        Column(name, _VERDICT_TYPES.get(name, pa.string()), "NULL" in doc, name in _JSON, doc)
        for name, doc in _VERDICTS.items()
    )
    about = "Groups of goroutines as `gtrace-analyze leaks --all` judges them."
    return [*found, ServerTable("verdicts", about, (_RECORDING, *columns), ("pid", "verdict"))]


_RECORDING = Column("recording", pa.string(), False, False, "which recording")


def _server_table(engine: Engine, table: _tables.Table) -> ServerTable:
    documented = table.columns
    plain = {field.name: field for field in _tables.schema(engine, table)}
    nested = {f.name for f in _tables.schema(engine, table) if pa.types.is_nested(f.type)}
    columns = []
    for name, doc in documented.items():
        moment = _tables.moment_of(table, name)
        about = documented[moment] if moment else doc
        kind = pa.timestamp("ns", "UTC") if moment else _simple(plain[name].type)
        columns.append(Column(name, kind, "NULL" in about, name in nested, doc))
    if table.name == "recording":
        columns += [Column(name, pa.int64(), True, False, doc) for name, doc in _SPAN.items()]
    never = {c.name for c in columns if not c.nullable}
    key = tuple(name for name in table.key if name in never)
    return ServerTable(table.name, table.doc, (_RECORDING, *columns), key)


def _simple(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_nested(kind) or pa.types.is_dictionary(kind):
        return pa.string()
    return pa.int64() if pa.types.is_decimal(kind) else kind


def rows(
    engine: Engine,
    table: ServerTable,
    recording: str,
    selection: Selection,
    batch_rows: int,
    part: int | None = None,
) -> Iterator[pa.RecordBatch]:
    """The rows of a table in batches, with the columns that it says, types and all.

    Of events, if `part` is given, only those of that part of the recording. Raises UsageError if no
    goroutine is in the selection.
    """
    schema = pa.schema([pa.field(c.name, c.type) for c in table.columns])
    for batch in _unnamed(engine, table, selection, batch_rows, part):
        columns: list[Any] = [pa.repeat(recording, batch.num_rows)]
        columns += [batch.column(c.name).cast(c.type) for c in table.columns[1:]]
        for column, values in zip(table.columns, columns, strict=True):
            if values.null_count and not column.nullable:
                raise ValueError(f"{table.name}.{column.name} is NULL, against its documentation")
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _unnamed(
    engine: Engine, table: ServerTable, selection: Selection, batch_rows: int, part: int | None
) -> Iterator[pa.RecordBatch]:
    if table.name == "verdicts":
        yield _verdicts(engine, selection)
        return
    chosen = _tables.table(table.name)
    source = _SOURCES.get(table.name, chosen.source)
    if part is not None:
        source = f"(FROM stg_events WHERE seq >> {PART_SHIFT} = {part}) {_tables.SELECTED}"
    chosen = dataclasses.replace(chosen, source=source)
    parameters = selection.parameters(engine)
    span = [(name, parameters[end]) for name, end in zip(_SPAN, ("start", "end"), strict=True)]
    for batch in _tables.read(engine, chosen, selection, True, batch_rows):
        for name, moment in span if table.name == "recording" else []:
            batch = batch.append_column(name, pa.array([moment] * batch.num_rows, pa.int64()))
        yield batch


def _verdicts(engine: Engine, selection: Selection) -> pa.RecordBatch:
    found = []
    for group in leaks.collect(engine, selection, include_idle=True):
        row = {f.name: getattr(group, f.name) for f in dataclasses.fields(group)}
        found.append({n: json.dumps(row[n]) if n in _JSON else row[n] for n in _VERDICTS})
    fields = [pa.field(n, _VERDICT_TYPES.get(n, pa.string())) for n in _VERDICTS]
    return pa.RecordBatch.from_pylist(found, schema=pa.schema(fields))
