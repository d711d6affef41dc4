"""Goroutines as OpenTelemetry spans, in requests of bounded size.

Names follow https://opentelemetry.io/docs/specs/semconv/ (1.37) where it has one: `service.*`,
`host.*`, `os.*` and `process.*` for a process, `code.*` for a place. The rest is `gtrace.*`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from gtrace_analyze.analyses import leaks
from gtrace_analyze.engine import Engine
from gtrace_analyze.export._clock import Clock
from gtrace_analyze.export._pieces import Ints, mapped
from gtrace_analyze.export._spanforms import Events, Form, Octets, Spans
from gtrace_analyze.export._streams import batches
from gtrace_analyze.export._timeline import arguments
from gtrace_analyze.selection import Selection
from gtrace_rec import __version__
from gtrace_rec.schema import Manifest, Process

__all__ = ["MOST_EVENTS", "Limits", "requests"]

MOST_EVENTS = 128  # of a span; what OpenTelemetry's SDKs keep by default
_SPANS = (
    "SELECT * REPLACE (map_entries(labels) AS labels) "
    "FROM goroutine_spans($start, $end, $goids, $pattern, $most) ORDER BY pid, seen_ts, goid"
)
_ROWS = 2048  # a goroutine may have many events

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_Key = tuple[int, int]  # pid and goid


@dataclass(frozen=True)
class Limits:
    """When a request is full."""

    spans: int = 512
    bytes: int = 2 << 20


def requests(
    engine: Engine,
    selection: Selection,
    resource: Mapping[str, str],
    form: Form,
    most_events: int = MOST_EVENTS,
    limits: Limits = Limits(),
) -> Iterator[tuple[int, bytes]]:
    """The goroutines, as requests that are within `limits`, or of a single span.

    Each with the number of its spans. `resource` replaces attributes of the processes. A span has
    the `most_events` longest waits as events; dropped_events_count says how many it has not. Raises
    UsageError if there is no goroutine in the selection.
    """
    builder = _Builder(engine, selection)
    parameters = {**arguments(engine, selection), "most": most_events}
    manifest = engine.recording.manifest
    processes = {p.pid: _process(manifest, p, resource) for p in manifest.processes}
    parts: list[tuple[int, list[bytes]]] = []  # spans of a process, and of the next
    count = size = 0

    def request() -> tuple[int, bytes]:
        return count, form.request([(processes[pid], b"".join(spans)) for pid, spans in parts])

    for batch in batches(engine, _SPANS, parameters, _ROWS):
        spans = form.spans(builder.spans(batch)).to_pylist()
        for pid, span in zip(batch.column("pid").to_pylist(), spans, strict=True):
            if count and (count >= limits.spans or size + len(span) > limits.bytes):
                yield request()
                parts, count, size = [], 0, 0
            if not parts or parts[-1][0] != pid:
                parts.append((pid, []))
            parts[-1][1].append(span)
            count, size = count + 1, size + len(span)
    yield request()


class _Builder:
    """What spans are made of, apart from their own rows."""

    def __init__(self, engine: Engine, selection: Selection) -> None:
        recorder = engine.recording.manifest.recorder
        recording = f"{recorder.boot_id} {recorder.pid} {recorder.start_ticks}"
        digest = hashlib.blake2b(recording.encode(), digest_size=24).digest()
        self._seeds = np.frombuffer(digest, np.uint64)
        self._clock = Clock.of(engine.recording.manifest)
        self._parents = _parents(engine, selection)
        self._roots: dict[_Key, int] = {}
        self._verdicts = {
            (group.pid, goid): group.verdict
            for group in leaks.collect(engine, selection)
            for goid in group.goids
        }
        self._stacks = _open_stacks(engine, selection)

    def spans(self, batch: pa.RecordBatch) -> Spans:
        """The rows of `goroutine_spans`."""
        pids, goids = (batch.column(name).to_pylist() for name in ("pid", "goid"))
        keys = list(zip(pids, goids, strict=True))
        parents = np.array([self._parents.get(key, 0) for key in keys], np.int64)
        roots = np.array([self._root(key) for key in keys], np.int64)
        process = batch.column("pid").to_numpy()
        starts, ends = (
            self._walls(batch.column("seen_ts")),
            self._walls(batch.column("seen_ts_end")),
        )
        counts = _lengths(batch.column("events"))
        labels = batch.column("labels")
        return Spans(
            trace_ids=np.hstack([self._ids(0, process, roots), self._ids(1, process, roots)]),
            ids=self._ids(2, process, batch.column("goid").to_numpy()),
            parent_ids=self._ids(2, process, parents),
            has_parent=parents > 0,
            names=_strings(batch.column("function")).fill_null("goroutine"),
            starts=starts,
            ends=np.maximum(starts, ends),
            attributes=self._facts(
                batch, pa.array([self._verdicts.get(key) for key in keys], pa.string())
            ),
            label_counts=_lengths(labels),
            labels=[(f"gtrace.label.{e['key']}", e["value"]) for e in labels.flatten().to_pylist()],
            events=self._events(batch.column("events").flatten(), counts),
            dropped_events=batch.column("parks").to_numpy() - counts,
        )

    def _facts(self, batch: pa.RecordBatch, verdicts: pa.Array) -> dict[str, pa.Array]:
        column = batch.column
        seen, over = column("seen_ts"), column("seen_ts_end")
        function, ends = _strings(column("function")), column("ts_end")
        before = pc.less(column("ts"), seen).fill_null(True)
        goes_on = pc.greater(ends, over).fill_null(True)
        syscall = column("syscall_ns")
        return {
            "code.function.name": function,
            "gtrace.goid": column("goid"),
            "gtrace.parent_goid": column("parent_goid"),
            "gtrace.created_by": _strings(column("created_by")),
            "gtrace.created_at": _strings(column("created_at")),
            "gtrace.system": _only(True, column("system")),
            "gtrace.began_before": _only(True, before),
            "gtrace.open": _only(True, goes_on),
            "gtrace.state": _where(ends.is_null(), _strings(column("state"))),
            "gtrace.verdict": verdicts,
            "gtrace.running_ns": column("running_ns"),
            "gtrace.runnable_ns": column("runnable_ns"),
            "gtrace.waiting_ns": column("waiting_ns"),
            "gtrace.syscall_ns": _where(pc.not_equal(syscall, 0), syscall),
            "gtrace.certain": _only(False, column("certain")),
        }

    def _events(self, rows: pa.StructArray, counts: Ints) -> Events:
        column = dict(zip(rows.type.names, rows.flatten(), strict=True))
        stacks = _where(column["open"], column["stack_id"])
        attributes = {
            "gtrace.wait_ns": column["ns"],
            "gtrace.open": _only(True, column["open"]),
            "gtrace.wake": column["wake"],
            "gtrace.waker_goid": column["waker_goid"],
            "gtrace.obj": mapped(column["obj"], lambda obj: f"{obj:#x}"),
            "gtrace.certain": _only(False, column["certain"]),
            "code.function.name": column["function"],
            "code.file.path": column["file"],
            "code.line.number": column["line"],
            "code.stacktrace": mapped(stacks, self._stacks.get),
        }
        names = column["reason"].fill_null("wait")
        return Events(counts, self._walls(column["ts"]), names, attributes)

    def _walls(self, column: pa.Array) -> Ints:
        return self._clock.walls(column.to_numpy(zero_copy_only=False))

    def _root(self, key: _Key) -> int:
        """The goroutine from which all of the tree descend that this one belongs to."""
        pid, goid = key
        path = []
        while (pid, goid) not in self._roots:
            path.append(goid)
            self._roots[pid, goid] = goid  # so that damaged data cannot lead in a circle
            goid = self._parents.get((pid, goid), goid)
        root = self._roots[pid, goid]
        for each in path:
            self._roots[pid, each] = root
        return root

    def _ids(self, kind: int, pids: npt.NDArray[np.int32], goids: Ints) -> Octets:
        """Eight octets each, the same at every export of a recording, so that sending one twice
        adds nothing; within a process, no two goroutines have the same.
        """
        mixed = goids.astype(np.uint64) + pids.astype(np.uint64) * _GOLDEN + self._seeds[kind]
        # As SplitMix64 does (Steele, Lea and Flood, OOPSLA 2014).
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        octets: Octets = (mixed ^ (mixed >> np.uint64(31))).view(np.uint8).reshape(-1, 8)
        return octets


def _parents(engine: Engine, selection: Selection) -> dict[tuple[int, int], int]:
    """Who made whom, as far as both are in the selection."""
    parameters = arguments(engine, selection)
    sql = "SELECT pid, goid, parent_goid FROM selected_goroutines($start, $end, $goids, $pattern)"
    made: dict[tuple[int, int], int | None] = {}
    for batch in batches(engine, sql, parameters):
        columns = (batch.column(n).to_pylist() for n in ("pid", "goid", "parent_goid"))
        made.update(((pid, goid), parent) for pid, goid, parent in zip(*columns, strict=True))
    return {
        (pid, goid): parent
        for (pid, goid), parent in made.items()
        if parent is not None and parent != goid and (pid, parent) in made
    }


def _open_stacks(engine: Engine, selection: Selection) -> dict[int, str]:
    """Stacks of waits that are not over, as Go prints them."""
    sql = (
        "SELECT stack_id, frames FROM stacks WHERE stack_id IN ("
        "SELECT stack_id FROM selected_intervals($start, $end, $goids, $pattern) "
        "WHERE open AND state = 'waiting')"
    )
    return {
        row["stack_id"]: "\n".join(
            f"{f['function']}(...)\n\t{f['file'] or '?'}:{f['line'] or '?'}" for f in row["frames"]
        )
        for batch in batches(engine, sql, arguments(engine, selection))
        for row in batch.to_pylist()
    }


def _process(manifest: Manifest, process: Process, resource: Mapping[str, str]) -> ResourceSpans:
    """A process without spans."""
    exe = next(e for e in manifest.exes if e.exe == process.exe)
    name = PurePath(exe.path).name
    build_id = "go" if "/" in (exe.build_id or "") else "gnu"
    facts = {
        "service.name": name,
        "host.name": manifest.host.get("hostname"),
        "host.arch": exe.arch,
        "os.type": "linux",
        "process.pid": process.pid,
        "process.executable.name": name,
        "process.executable.path": exe.path,
        f"process.executable.build_id.{build_id}": exe.build_id,
        "process.command_args": process.argv or None,
        "process.runtime.name": "go",
        "process.runtime.version": exe.go_version,
        **resource,
    }
    spans = ResourceSpans()
    spans.resource.attributes.extend(
        KeyValue(key=key, value=_value(value)) for key, value in facts.items() if value is not None
    )
    scope = spans.scope_spans.add()
    scope.scope.name = "gtrace"
    scope.scope.version = __version__
    return spans


def _value(value: Any) -> AnyValue:
    match value:
        case int():
            return AnyValue(int_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=[_value(item) for item in value]))
        case _:
            return AnyValue(string_value=str(value))


def _lengths(lists: pa.Array) -> Ints:
    counts: Ints = pc.list_value_length(lists).fill_null(0).to_numpy().astype(np.int64)
    return counts


def _strings(column: pa.Array) -> pa.Array:
    """A column of an enumeration as strings, like others."""
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _only(wanted: bool, column: pa.Array) -> pa.Array:
    """NULL in place of the other of both."""
    return _where(column if wanted else pc.invert(column), column)


def _where(there: pa.Array, column: pa.Array) -> pa.Array:
    """NULL wherever it is not there."""
    return pc.if_else(there, column, pa.scalar(None, column.type))
