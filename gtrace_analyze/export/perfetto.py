"""Perfetto's own trace format, for ui.perfetto.dev and trace_processor.

Each goroutine is a track whose slices are its states, each thread one of the goroutines it ran.
Timestamps are CLOCK_MONOTONIC, related to the wall clock by snapshots of both.

Field numbers are those of protos/perfetto/trace/perfetto_trace.proto, release 59; the messages are
explained at https://perfetto.dev/docs/reference/synthetic-track-event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gtrace_analyze.engine import Engine
from gtrace_analyze.export import _perfetto_names as names
from gtrace_analyze.export._protobuf import (
    Column,
    beside,
    blob,
    fixed64s,
    message,
    messages,
    uint,
    uints,
)
from gtrace_analyze.export._streams import batches
from gtrace_analyze.export._timeline import arguments
from gtrace_analyze.selection import ALL, Selection
from gtrace_rec.schema import Manifest

__all__ = ["write"]

_MONOTONIC, _REALTIME = 3, 1  # BuiltinClock
_BEGIN, _END, _INSTANT, _COUNTER = 1, 2, 3, 4  # TrackEvent.Type
_BATCH = 16_384  # rows whose columns fit into a processor's cache

# Kinds of tracks. A track's uuid is made of its kind, its process and a number: small numbers make
# small files.
_GOROUTINE, _THREAD, _GROUP, _STATE = range(4)
_UUID = "(({number}) * len($pids) + list_position($pids, pid) - 1) * 4 + {kind} + 1"

_ROWS = """
    WITH named AS (SELECT unnest($names) AS name, generate_subscripts($names, 1) AS iid),
    slices AS (FROM timeline_slices($start, $end, $goids, $pattern)),
    counted AS (FROM state_counts($start, $end, $goids, $pattern, $step))
    SELECT * EXCLUDE (pid, name)
    FROM ({}) AS r
    JOIN named USING (name)
    ORDER BY track, ts, ts_end
"""
# `flow` is 0, `waker` -1 and `stack` 0 where there is none; `ended` false where it did not.
_STATES = f"""
    SELECT pid, from_ts AS ts, to_ts AS ts_end, NOT open OR to_ts < $last AS ended,
        {_UUID.format(number="goid", kind=_GOROUTINE)} AS track,
        coalesce(reason::VARCHAR, state::VARCHAR, 'not known') AS name,
        list_position($names, coalesce(state::VARCHAR, 'not known')) AS category,
        coalesce(stack_id, -1) + 1 AS stack, coalesce(waker_goid, -1) AS waker, certain,
        CASE WHEN cause IS NULL THEN 0 ELSE hash(pid, goid, from_ts) END AS flow
    FROM slices
"""
_CAUSES = f"""
    SELECT pid, from_ts AS ts, from_ts AS ts_end, cause AS name, goid,
        hash(pid, goid, from_ts) AS flow,
        {_UUID.format(number="cause_goid", kind=_GOROUTINE)} AS track
    FROM slices WHERE cause IS NOT NULL
"""
_RUNS = f"""
    SELECT pid, from_ts AS ts, to_ts AS ts_end, NOT open OR to_ts < $last AS ended, goid,
        {_UUID.format(number="tid", kind=_THREAD)} AS track,
        coalesce(start_function, 'not known') AS name
    FROM slices WHERE state = 'running' AND tid IS NOT NULL
"""
_COUNTS = f"""
    SELECT pid, ts, ts AS ts_end, goroutines, name,
        {_UUID.format(number="list_position($names, name)", kind=_STATE)} AS track
    FROM (SELECT *, coalesce(state::VARCHAR, 'not known') AS name FROM counted)
"""
Columns = dict[str, npt.NDArray[Any]]


def write(engine: Engine, out: BinaryIO, selection: Selection = ALL) -> str:
    """Write the timeline of goroutines and threads; returns what was written.

    Raises UsageError if there is nothing in the selection.
    """
    parameters = arguments(engine, selection)
    parameters["pids"] = [p.pid for p in engine.recording.manifest.processes]
    parameters["names"] = names.slice_names(engine)
    out.write(_head(engine, parameters["names"]))
    for track in _tracks(engine, parameters):
        out.write(track)
    written = {}
    for rows, packets in (
        (_STATES, _states),
        (_CAUSES, _causes),
        (_RUNS, _runs),
        (_COUNTS, _counts),
    ):
        written[rows] = 0
        for batch in batches(engine, _ROWS.format(rows), parameters, _BATCH):
            out.write(packets(_columns(batch)).tobytes())
            written[rows] += batch.num_rows
    return f"{written[_STATES]:,} intervals and {written[_CAUSES]:,} wake-ups"


def _columns(batch: pa.RecordBatch) -> Columns:
    return {name: batch.column(name).to_numpy(zero_copy_only=False) for name in batch.schema.names}


def _states(row: Columns) -> Column:
    """Each interval as the packet that begins it, and the one that ends it unless it is open."""
    stacked = row["stack"] > 0
    begin = _event(
        row["ts"],
        uints(9, _BEGIN),
        uints(11, row["track"]),
        uints(10, row["iid"]),
        uints(3, row["category"]),
        uints(56, row["stack"], stacked),
        _annotation("at", uints(17, row["stack"]), stacked),
        _annotation("woken by", uints(4, row["waker"]), row["waker"] >= 0),
        _annotation("certain", uints(2, 0), ~row["certain"]),
        fixed64s(48, row["flow"], row["flow"] != 0),
    )
    return beside(begin, _end(row))


def _causes(row: Columns) -> Column:
    """What woke or made a goroutine: an instant on the other's track, where a flow begins."""
    goid = _annotation("goid", uints(4, row["goid"]))
    name = uints(10, row["iid"])
    track = uints(11, row["track"])
    return _event(row["ts"], uints(9, _INSTANT), track, name, goid, fixed64s(47, row["flow"]))


def _runs(row: Columns) -> Column:
    goid = _annotation("goid", uints(4, row["goid"]))
    track = uints(11, row["track"])
    begin = _event(row["ts"], uints(9, _BEGIN), track, uints(10, row["iid"]), goid)
    return beside(begin, _end(row))


def _counts(row: Columns) -> Column:
    track = uints(11, row["track"])
    return _event(row["ts"], uints(9, _COUNTER), track, uints(30, row["goroutines"]))


def _end(row: Columns) -> Column:
    return _event(row["ts_end"], uints(9, _END), uints(11, row["track"]), where=row["ended"])


def _event(
    ts: npt.NDArray[np.int64], *fields: Column, where: npt.NDArray[np.bool_] | None = None
) -> Column:
    """A packet with a TrackEvent; it needs what was interned before in its sequence."""
    needs = uints(13, 2)  # SEQ_NEEDS_INCREMENTAL_STATE
    return messages(1, uints(8, ts), uints(10, 1), needs, messages(11, *fields), where=where)


def _annotation(name: str, value: Column, where: npt.NDArray[np.bool_] | None = None) -> Column:
    return messages(4, uints(1, names.ANNOTATIONS[name]), value, where=where)


def _packet(*fields: bytes) -> bytes:
    return message(1, uint(10, 1), *fields)


def _head(engine: Engine, slice_names: list[str]) -> bytes:
    """The packets that begin the sequence: clocks, and all names."""
    packets = []
    for reading in engine.recording.manifest.clock:
        mono = message(1, uint(1, _MONOTONIC), uint(2, reading.mono_ns))
        wall = message(1, uint(1, _REALTIME), uint(2, reading.wall_ns))
        packets.append(_packet(message(6, mono, wall, uint(2, _MONOTONIC))))
    cleared = uint(13, 1)  # SEQ_INCREMENTAL_STATE_CLEARED
    defaults = message(59, uint(58, _MONOTONIC))
    packets.append(_packet(cleared, defaults, message(12, names.interned(engine, slice_names))))
    return b"".join(packets)


def _tracks(engine: Engine, parameters: Mapping[str, Any]) -> Iterator[bytes]:
    """Descriptors of the tracks, each after its parent."""
    manifest = engine.recording.manifest
    for process in manifest.processes:
        yield from _process_tracks(manifest, process.pid, process.argv)
    goroutines = (
        "SELECT pid, goid AS number, 'G' || goid || coalesce(' ' || function, '') AS name "
        "FROM selected_goroutines($start, $end, $goids, $pattern) ORDER BY ALL"
    )
    for row in _each(engine, goroutines, parameters):
        group = uint(5, _uuid(manifest, row["pid"], 1, _GROUP))
        uuid = _uuid(manifest, row["pid"], row["number"], _GOROUTINE)
        yield _track(uuid, blob(2, row["name"]), group, uint(12, row["number"]))
    threads = (
        "SELECT DISTINCT pid, tid AS number "
        "FROM selected_intervals($start, $end, $goids, $pattern) "
        "WHERE state = 'running' AND tid IS NOT NULL ORDER BY ALL"
    )
    for row in _each(engine, threads, parameters):
        uuid = _uuid(manifest, row["pid"], row["number"], _THREAD)
        yield _track(uuid, message(4, uint(1, row["pid"]), uint(2, row["number"])))


def _process_tracks(manifest: Manifest, pid: int, argv: list[str]) -> Iterator[bytes]:
    top = _uuid(manifest, pid, 0, _GROUP)
    name = argv[0] if argv else f"process {pid}"
    yield _track(top, message(3, uint(1, pid), *(blob(2, a) for a in argv), blob(6, name)))
    explicit = uint(11, 3)  # order of the children: by sibling_order_rank, field 12
    group = _uuid(manifest, pid, 1, _GROUP)
    yield _track(group, blob(2, "goroutines"), uint(5, top), explicit)
    for number, state in enumerate(names.COUNTED, 1):
        counter = message(8, blob(6, "goroutines"))
        yield _track(_uuid(manifest, pid, number, _STATE), blob(2, state), uint(5, top), counter)


def _track(uuid: int, *fields: bytes) -> bytes:
    return _packet(message(60, uint(1, uuid), *fields))


def _uuid(manifest: Manifest, pid: int, number: int, kind: int) -> int:
    pids = [p.pid for p in manifest.processes]
    return (number * len(pids) + pids.index(pid)) * 4 + kind + 1


def _each(engine: Engine, sql: str, parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for batch in batches(engine, sql, parameters):
        yield from batch.to_pylist()
