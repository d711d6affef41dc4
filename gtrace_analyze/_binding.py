"""A recording's files as tables ``raw_…`` of a connection, which only ``stg_`` views read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gtrace_analyze.recording import Recording
from gtrace_rec import schema

__all__ = ["PART_SHIFT", "ROW_SHIFT", "bind", "set_variables"]

# Kinds of transition that no event tells: the state in which the first snapshot found a goroutine,
# or a later one, if there is nothing but snapshots or the one before was in another window; or that
# a window ended.
_FOUND = (
    "seen running",
    "seen runnable",
    "seen waiting",
    "seen syscall",
    "then running",
    "then runnable",
    "then waiting",
    "then syscall",
    "then gone",
    "unseen",
)
# `seq` has the number of the part above so many bits, and that of the row in it below, with room
# for 1023 others between two rows.
PART_SHIFT = 45
ROW_SHIFT = 10
# What cannot be told without one of the tables beside the events.
_UNTOLD = {
    "stacks": "where goroutines wait, and were made",
    "symbols": "the names of functions, files and lines",
    "goroutines": "what snapshots found: goroutines that did nothing, labels, full channels",
    "gaps": "when something was lost, so that what is called certain may not be",
    "health": "what the recorder lost and needed, second by second",
}


def bind(con: duckdb.DuckDBPyConnection, recording: Recording) -> None:
    """Make the recording's tables visible. Raises duckdb.Error if a file cannot be read."""
    _bind_events(con, recording)
    for name, side in recording.sides.items():
        _bind_side(con, name, side)
    _bind_gaps(con, recording)
    _bind_manifest(con, recording)
    set_variables(con)
    _create_types(con)


def set_variables(con: duckdb.DuckDBPyConnection) -> None:
    """What the package's SQL asks the connection while tables are made."""
    con.execute(
        "SET VARIABLE has_gaps = (SELECT count(*) > 0 FROM raw_gaps WHERE cause <> 'probes off')"
    )
    con.execute(
        "SET VARIABLE has_pauses = (SELECT count(*) > 0 FROM raw_gaps WHERE cause = 'probes off')"
    )
    con.execute(
        "SET VARIABLE sees_waits = (SELECT bool_or(watched AND kind = 'park') FROM raw_event_kinds)"
    )
    # A number that is known when a query is planned, so that parts with later events are not read.
    con.execute(
        "SET VARIABLE looked_ts = (SELECT max(ts) FROM raw_goroutines SEMI JOIN (SELECT pid, "
        "min(snapshot) AS snapshot FROM raw_goroutines GROUP BY pid) USING (pid, snapshot))"
    )
    con.execute("SET VARIABLE one_process = (SELECT count(*) = 1 FROM raw_processes)")
    con.execute("SET VARIABLE started_ts = (SELECT started_ts FROM raw_recording)")
    con.execute("SET VARIABLE ended_ts = (SELECT ended_ts FROM raw_recording)")


def _bind_events(con: duckdb.DuckDBPyConnection, recording: Recording) -> None:
    columns = ", ".join(schema.EVENTS.names)
    sources = []
    if recording.parts:
        files = ", ".join(_quoted(part.path) for part in recording.parts)
        sources.append(
            f"SELECT {columns}, "
            f"(file_index::BIGINT << {PART_SHIFT}) | (file_row_number << {ROW_SHIFT}) AS seq "
            f"FROM read_parquet([{files}])"
        )
    streams = recording.streams
    if not recording.parts and not streams:
        streams = (schema.EVENTS.empty_table(),)
    for number, table in enumerate(streams):
        first = (len(recording.parts) + number) << PART_SHIFT
        seq = pa.array(first + (np.arange(table.num_rows) << ROW_SHIFT))
        con.register(f"raw_stream_{number}", table.append_column("seq", seq))
        sources.append(f"SELECT {columns}, seq FROM raw_stream_{number}")
    con.execute(f"CREATE TEMP VIEW raw_events AS {' UNION ALL '.join(sources)}")


def _bind_side(con: duckdb.DuckDBPyConnection, name: str, side: Path | pa.Table) -> None:
    """A table beside the events; columns that its writer did not know yet are NULL."""
    fields = schema.SIDE_TABLES[name]
    source = f"read_parquet({_quoted(side)})"
    if not isinstance(side, Path):
        source = f"raw_{name}_stream"
        con.register(source, side)
    present = pq.read_schema(side) if isinstance(side, Path) else side.schema
    if set(fields.names) - set(present.names):
        con.register(f"raw_{name}_columns", fields.empty_table())
        source = f"raw_{name}_columns UNION ALL BY NAME FROM {source}"
    view = f"raw_{name}" if name != "gaps" else "raw_recorded_gaps"
    con.execute(f"CREATE TEMP VIEW {view} AS FROM {source}")


def _bind_gaps(con: duckdb.DuckDBPyConnection, recording: Recording) -> None:
    """The recorder's gaps, and those that unreadable parts leave."""
    manifest = recording.manifest
    rows = [
        {
            "ts": manifest.started_ts if d.first_ts is None else d.first_ts,
            "ts_end": manifest.flushed_ts if d.last_ts is None else d.last_ts,
            "cause": "part unreadable",
            "lost": d.rows,
        }
        for d in recording.damage
    ]
    _table(con, "raw_unreadable", rows, "ts BIGINT, ts_end BIGINT, cause VARCHAR, lost BIGINT")
    con.execute(
        "CREATE TEMP VIEW raw_gaps AS FROM raw_recorded_gaps UNION ALL BY NAME FROM raw_unreadable"
    )


def _bind_manifest(con: duckdb.DuckDBPyConnection, recording: Recording) -> None:
    manifest = recording.manifest
    _table(
        con,
        "raw_processes",
        [vars(p) for p in manifest.processes],
        "pid INTEGER, exe SMALLINT, argv VARCHAR[], launched BOOLEAN, started_ts BIGINT, "
        "ended_ts BIGINT, exit_status INTEGER",
    )
    _table(
        con,
        "raw_exes",
        [vars(e) for e in manifest.exes],
        "exe SMALLINT, path VARCHAR, go_version VARCHAR, arch VARCHAR, build_id VARCHAR, "
        "stripped BOOLEAN, offsets_source VARCHAR, missing VARCHAR[]",
    )
    _table(
        con,
        "raw_clock",
        [vars(c) for c in manifest.clock],
        "mono_ns BIGINT, wall_ns BIGINT, error_ns BIGINT",
    )
    _table(
        con,
        "raw_parts",
        _part_rows(recording),
        "name VARCHAR, events BIGINT, bytes BIGINT, damage VARCHAR",
    )
    missing = [{"name": name, "untold": _UNTOLD[name]} for name in recording.missing]
    _table(con, "raw_missing_tables", missing, "name VARCHAR, untold VARCHAR")
    _table(con, "raw_notes", [{"note": note} for note in manifest.notes], "note VARCHAR")
    watched = recording.watched
    _table(
        con,
        "raw_event_kinds",
        [
            {
                "kind": k.name,
                "state": k.enters,
                "other_state": k.other_enters,
                "meaning": k.meaning,
                "watched": k.name in watched,
            }
            for k in schema.EVENT_KINDS
        ],
        "kind VARCHAR, state VARCHAR, other_state VARCHAR, meaning VARCHAR, watched BOOLEAN",
    )
    ended = manifest.stopped_ts
    if ended is None:
        (last,) = con.execute("SELECT max(ts) FROM raw_events").fetchall()[0]
        ended = max(manifest.flushed_ts, last or 0)
    row = {
        "path": str(recording.path),
        "plan": manifest.plan,
        "status": recording.status,
        "started_ts": manifest.started_ts,
        "ended_ts": ended,
        "stop_reason": manifest.stop_reason,
        "lost_ring": manifest.totals.lost_ring,
        "lost_stack": manifest.totals.lost_stack,
        "read_faults": manifest.totals.read_faults,
    }
    _table(
        con,
        "raw_recording",
        [row],
        "path VARCHAR, plan VARCHAR, status VARCHAR, started_ts BIGINT, ended_ts BIGINT, "
        "stop_reason VARCHAR, lost_ring BIGINT, lost_stack BIGINT, read_faults BIGINT",
    )


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
    kinds = [*(k.name for k in schema.EVENT_KINDS), *_FOUND]
    if con.execute(
        "SELECT count(*) FROM duckdb_types() WHERE type_name = 'event_kind'"
    ).fetchall() == [(0,)]:
        con.execute(f"CREATE TYPE event_kind AS ENUM ({', '.join(map(_quoted, kinds))})")
        con.execute(
            f"CREATE TYPE goroutine_state AS ENUM ({', '.join(map(_quoted, schema.STATES))})"
        )
        con.execute("CREATE TYPE waker_kind AS ENUM ('goroutine', 'timer', 'netpoll', 'runtime')")
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


def _table(
    con: duckdb.DuckDBPyConnection, name: str, rows: list[dict[str, Any]], columns: str
) -> None:
    """A few rows as a table. Not by way of Arrow, for which DuckDB would import pandas."""
    names = [column.split()[0] for column in columns.split(", ")]
    con.execute(
        f"CREATE TEMP TABLE {name} AS SELECT unnest($rows::STRUCT({columns})[], max_depth := 2)",
        {"rows": [{name: row.get(name) for name in names} for row in rows]},
    )
