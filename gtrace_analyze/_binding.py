"""A recording's files as tables ``raw_…`` of a connection, which only ``stg_`` views read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from gtrace_analyze.recording import Recording
from gtrace_rec import schema

__all__ = ["bind"]

_SEEN = ("seen running", "seen runnable", "seen waiting", "seen syscall")
# Rows of a file are numbered below this; DuckDB's own files hold far fewer.
_FILE_SHIFT = 40


def bind(con: duckdb.DuckDBPyConnection, recording: Recording) -> None:
    """Make the recording's tables visible. Raises duckdb.Error if a file cannot be read."""
    _bind_events(con, recording)
    for name, side in recording.sides.items():
        _bind_side(con, name, side)
    _bind_gaps(con, recording)
    _bind_manifest(con, recording)
    _create_types(con)


def _bind_events(con: duckdb.DuckDBPyConnection, recording: Recording) -> None:
    columns = ", ".join(schema.EVENTS.names)
    sources = []
    if recording.parts:
        files = ", ".join(_quoted(part.path) for part in recording.parts)
        sources.append(
            f"SELECT {columns}, (file_index::BIGINT << {_FILE_SHIFT}) | file_row_number AS seq "
            f"FROM read_parquet([{files}])"
        )
    streams = recording.streams
    if not recording.parts and not streams:
        streams = (schema.EVENTS.empty_table(),)
    for number, table in enumerate(streams):
        first = (len(recording.parts) + number) << _FILE_SHIFT
        seq = pa.array(np.arange(first, first + table.num_rows))
        con.register(f"raw_stream_{number}", table.append_column("seq", seq))
        sources.append(f"SELECT {columns}, seq FROM raw_stream_{number}")
    con.execute(f"CREATE TEMP VIEW raw_events AS {' UNION ALL '.join(sources)}")


def _bind_side(con: duckdb.DuckDBPyConnection, name: str, side: Path | pa.Table) -> None:
    """A table beside the events; columns that its writer did not know yet are NULL."""
    con.register(f"raw_{name}_columns", schema.SIDE_TABLES[name].empty_table())
    source = f"read_parquet({_quoted(side)})"
    if not isinstance(side, Path):
        source = f"raw_{name}_stream"
        con.register(source, side)
    view = f"raw_{name}" if name != "gaps" else "raw_recorded_gaps"
    con.execute(
        f"CREATE TEMP VIEW {view} AS FROM raw_{name}_columns UNION ALL BY NAME FROM {source}"
    )


def _bind_gaps(con: duckdb.DuckDBPyConnection, recording: Recording) -> None:
    """The recorder's gaps, and those that unreadable parts leave."""
    manifest = recording.manifest
    rows = [
        {
            "pid": None,
            "cpu": None,
            "ts": manifest.started_ts if d.first_ts is None else d.first_ts,
            "ts_end": manifest.flushed_ts if d.last_ts is None else d.last_ts,
            "cause": "part unreadable",
            "lost": d.rows,
        }
        for d in recording.damage
    ]
    con.register("raw_unreadable", pa.Table.from_pylist(rows, schema=schema.GAPS))
    con.execute("CREATE TEMP VIEW raw_gaps AS FROM raw_recorded_gaps UNION ALL FROM raw_unreadable")


def _bind_manifest(con: duckdb.DuckDBPyConnection, recording: Recording) -> None:
    manifest = recording.manifest
    totals = manifest.totals
    con.register(
        "raw_processes",
        _table(
            [vars(p) for p in manifest.processes],
            pid=pa.int32(), exe=pa.int16(), argv=pa.list_(pa.string()), launched=pa.bool_(),
            started_ts=pa.int64(), ended_ts=pa.int64(), exit_status=pa.int32(),
        ),
    )  # fmt: skip
    con.register(
        "raw_exes",
        _table(
            [vars(e) for e in manifest.exes],
            exe=pa.int16(), path=pa.string(), go_version=pa.string(), arch=pa.string(),
            build_id=pa.string(), stripped=pa.bool_(), offsets_source=pa.string(),
            missing=pa.list_(pa.string()),
        ),
    )  # fmt: skip
    con.register(
        "raw_clock",
        _table(
            [vars(c) for c in manifest.clock],
            mono_ns=pa.int64(), wall_ns=pa.int64(), error_ns=pa.int64(),
        ),
    )  # fmt: skip
    con.register(
        "raw_parts",
        _table(_part_rows(recording), name=pa.string(), events=pa.int64(), bytes=pa.int64(),
               damage=pa.string()),
    )  # fmt: skip
    con.register("raw_notes", _table([{"note": n} for n in manifest.notes], note=pa.string()))
    watched = {probe.kind for exe in manifest.exes for probe in exe.probes if probe.attached}
    con.register(
        "raw_event_kinds",
        _table(
            [
                {"kind": k.name, "state": k.enters, "other_state": k.other_enters,
                 "meaning": k.meaning, "watched": k.name in watched}
                for k in schema.EVENT_KINDS
            ],
            kind=pa.string(), state=pa.string(), other_state=pa.string(), meaning=pa.string(),
            watched=pa.bool_(),
        ),
    )  # fmt: skip
    ended = manifest.stopped_ts
    if ended is None:
        (last,) = con.execute("SELECT max(ts) FROM raw_events").fetchall()[0]
        ended = max(manifest.flushed_ts, last or 0)
    con.register(
        "raw_recording",
        _table(
            [
                {"path": str(recording.path), "plan": manifest.plan, "status": recording.status,
                 "started_ts": manifest.started_ts, "ended_ts": ended,
                 "stop_reason": manifest.stop_reason, "lost_ring": totals.lost_ring,
                 "lost_stack": totals.lost_stack, "read_faults": totals.read_faults}
            ],
            path=pa.string(), plan=pa.string(), status=pa.string(), started_ts=pa.int64(),
            ended_ts=pa.int64(), stop_reason=pa.string(), lost_ring=pa.int64(),
            lost_stack=pa.int64(), read_faults=pa.int64(),
        ),
    )  # fmt: skip


def _part_rows(recording: Recording) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {"name": p.path.name, "events": p.rows, "bytes": p.path.stat().st_size, "damage": None}
        for p in recording.parts
    ]
    rows += [
        {"name": f"part in progress, {n}", "events": s.num_rows, "bytes": s.nbytes, "damage": None}
        for n, s in enumerate(recording.streams)
    ]
    rows += [
        {"name": d.name, "events": None, "bytes": None, "damage": d.why} for d in recording.damage
    ]
    return rows


def _create_types(con: duckdb.DuckDBPyConnection) -> None:
    """Names as numbers: sorting 15 M rows with strings in them takes half as long again."""
    kinds = [*(k.name for k in schema.EVENT_KINDS), *_SEEN]
    if con.execute(
        "SELECT count(*) FROM duckdb_types() WHERE type_name = 'event_kind'"
    ).fetchall() == [(0,)]:
        con.execute(f"CREATE TYPE event_kind AS ENUM ({', '.join(map(_quoted, kinds))})")
        con.execute(
            f"CREATE TYPE goroutine_state AS ENUM ({', '.join(map(_quoted, schema.STATES))})"
        )
        con.execute(
            """CREATE TYPE wait_reason AS ENUM (
                SELECT DISTINCT reason::VARCHAR FROM (
                    SELECT reason FROM raw_events
                    UNION ALL SELECT reason FROM raw_goroutines
                    UNION ALL VALUES ('coroutine'), ('preempted')
                ) WHERE reason IS NOT NULL ORDER BY 1
            )"""
        )


def _quoted(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def _table(rows: list[dict[str, Any]], **columns: pa.DataType) -> pa.Table:
    return pa.Table.from_pylist(
        [{name: row[name] for name in columns} for row in rows], schema=pa.schema(columns.items())
    )
