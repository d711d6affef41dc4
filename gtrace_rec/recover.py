"""Completes a recording whose recorder died: streams become Parquet, the manifest says so."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq

from gtrace_rec import procfs
from gtrace_rec._errors import TraceError
from gtrace_rec.schema import (
    EVENTS,
    MANIFEST,
    SIDE_TABLES,
    Manifest,
    Part,
    open_table_name,
    parse_manifest,
    table_name,
)
from gtrace_rec.streams import to_parquet

_CUT = "the recorder died; recovered"


def recover(trace: Path) -> Iterator[str]:
    """Complete the recording in `trace`, telling what was done.

    Raises TraceError if there is nothing to recover, or the recording is still being written.
    """
    try:
        manifest = parse_manifest((trace / MANIFEST).read_text(), trace / MANIFEST)
    except OSError as e:
        raise TraceError(f"{trace}: no recording here ({MANIFEST}: {e.strerror})") from None
    r = manifest.recorder
    if manifest.stopped_ts is not None and not any(trace.glob("_*.arrows")):
        raise TraceError(f"{trace}: is complete, there is nothing to recover")
    if r.boot_id == procfs.this_recorder().boot_id and procfs.is_alive(r.pid, r.start_ticks):
        raise TraceError(f"{trace}: is still being written by pid {r.pid}; stop that first")
    try:
        for stream in sorted(trace.glob("_part-*.arrows")):
            target = trace / f"{stream.stem.removeprefix('_')}.parquet"
            yield _convert(stream, target, EVENTS)
        for name, schema in SIDE_TABLES.items():
            stream = trace / open_table_name(name)
            if stream.exists():
                yield _convert(stream, trace / table_name(name), schema)
        yield _close(trace, manifest)
    except OSError as e:
        raise TraceError(f"{trace}: {e.strerror}; nothing was lost, try again") from None


def _convert(stream: Path, target: Path, schema: object) -> str:
    if target.exists():  # killed between publishing the file and removing its stream
        stream.unlink()
        return f"{target.name} was complete"
    to_parquet(stream, target, schema)
    rows = pq.read_metadata(target).num_rows
    if schema is EVENTS and not rows:
        target.unlink()
    return f"{stream.name} → {target.name}: {rows:,} rows"


def _close(trace: Path, manifest: Manifest) -> str:
    parts = [_part(file) for file in sorted(trace.glob("part-*.parquet"))]
    last = max((p.last_ts for p in parts), default=manifest.started_ts)
    closed = dataclasses.replace(
        manifest,
        parts=parts,
        stopped_ts=max(last, manifest.flushed_ts),
        stop_reason=manifest.stop_reason or _CUT,
        totals=dataclasses.replace(manifest.totals, events=sum(p.rows for p in parts)),
    )
    hidden = trace / f".{MANIFEST}.tmp"
    hidden.write_text(closed.to_json(), encoding="utf-8")
    os.replace(hidden, trace / MANIFEST)
    return f"{closed.totals.events:,} events in {len(parts)} parts"


def _part(file: Path) -> Part:
    ts = pq.read_table(file, columns=["ts"]).column("ts").to_numpy()
    first, last = (int(ts.min()), int(ts.max())) if len(ts) else (0, 0)
    return Part(file.name, len(ts), first, last, file.stat().st_size)
