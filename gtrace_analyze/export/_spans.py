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

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from gtrace_analyze.analyses import leaks
from gtrace_analyze.engine import Engine
from gtrace_analyze.export._clock import Clock
from gtrace_analyze.export._streams import batches
from gtrace_analyze.export._timeline import arguments
from gtrace_analyze.selection import Selection
from gtrace_rec import __version__
from gtrace_rec.schema import Manifest, Process

__all__ = ["MOST_EVENTS", "Limits", "requests"]

MOST_EVENTS = 128  # of a span; what OpenTelemetry's SDKs keep by default
_SPANS = "FROM goroutine_spans($start, $end, $goids, $pattern, $most) ORDER BY pid, seen_ts, goid"
_ROWS = 2048  # a goroutine may have many events

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Limits:
    """When a request is full."""

    spans: int = 512
    bytes: int = 2 << 20


def requests(
    engine: Engine,
    selection: Selection,
    resource: Mapping[str, str],
    most_events: int = MOST_EVENTS,
    limits: Limits = Limits(),
) -> Iterator[ExportTraceServiceRequest]:
    """The goroutines, as requests that are within `limits`, or of a single span.

    `resource` replaces attributes of the processes. A span has the `most_events` longest waits as
    events; dropped_events_count says how many it has not. Raises UsageError if there is no
    goroutine in the selection.
    """
    manifest = engine.recording.manifest
    builder = _Builder(engine, selection)
    parameters = {**arguments(engine, selection), "most": most_events}
    processes = {p.pid: p for p in manifest.processes}
    request, count, size, pid = ExportTraceServiceRequest(), 0, 0, None
    for batch in batches(engine, _SPANS, parameters, _ROWS):
        for span_pid, span in builder.spans(batch):
            length = span.ByteSize()
            if count and (count >= limits.spans or size + length > limits.bytes):
                yield request
                request, count, size, pid = ExportTraceServiceRequest(), 0, 0, None
            if span_pid != pid:
                _add_process(request, manifest, processes[span_pid], resource)
                pid = span_pid
            request.resource_spans[-1].scope_spans[0].spans.append(span)
            count, size = count + 1, size + length
    yield request


class _Builder:
    """What spans are made of, apart from their own rows."""

    def __init__(self, engine: Engine, selection: Selection) -> None:
        recorder = engine.recording.manifest.recorder
        self._recording = f"{recorder.boot_id} {recorder.pid} {recorder.start_ticks}"
        self._clock = Clock.of(engine.recording.manifest)
        self._parents = _parents(engine, selection)
        self._roots: dict[tuple[int, int], int] = {}
        self._verdicts = {
            (group.pid, goid): group.verdict
            for group in leaks.collect(engine, selection)
            for goid in group.goids
        }
        self._stacks = _open_stacks(engine, selection)

    def spans(self, batch: Any) -> Iterator[tuple[int, Span]]:
        """Process and span of each row of `goroutine_spans`."""
        starts = self._walls(batch.column("seen_ts"))
        ends = self._walls(batch.column("seen_ts_end"))
        moments = iter(self._walls(batch.column("events").flatten().field("ts")))
        for row, start, end in zip(batch.to_pylist(), starts, ends, strict=True):
            yield row["pid"], self._span(row, start, end, moments)

    def _walls(self, column: Any) -> list[int]:
        walls: list[int] = self._clock.walls(column.to_numpy(zero_copy_only=False)).tolist()
        return walls

    def _span(self, row: Row, start: int, end: int, moments: Iterator[int]) -> Span:
        key = (row["pid"], row["goid"])
        parent = self._parents.get(key)
        return Span(
            trace_id=self._id("trace", key[0], self._root(key), 16),
            span_id=self._id("span", *key, 8),
            parent_span_id=b"" if parent is None else self._id("span", key[0], parent, 8),
            name=row["function"] or "goroutine",
            kind=Span.SPAN_KIND_INTERNAL,
            start_time_unix_nano=start,
            end_time_unix_nano=max(start, end),
            attributes=_attributes(self._facts(row)),
            events=[self._event(event, next(moments)) for event in row["events"] or ()],
            dropped_events_count=row["parks"] - len(row["events"] or ()),
        )

    def _facts(self, row: Row) -> dict[str, Any]:
        facts = {
            "code.function.name": row["function"],
            "gtrace.goid": row["goid"],
            "gtrace.parent_goid": row["parent_goid"],
            "gtrace.created_by": row["created_by"],
            "gtrace.created_at": row["created_at"],
            "gtrace.system": row["system"] or None,
            "gtrace.began_before": row["ts"] is None or row["ts"] < row["seen_ts"] or None,
            "gtrace.open": row["ts_end"] is None or row["ts_end"] > row["seen_ts_end"] or None,
            "gtrace.state": row["state"] if row["ts_end"] is None else None,
            "gtrace.verdict": self._verdicts.get((row["pid"], row["goid"])),
            "gtrace.running_ns": row["running_ns"],
            "gtrace.runnable_ns": row["runnable_ns"],
            "gtrace.waiting_ns": row["waiting_ns"],
            "gtrace.syscall_ns": row["syscall_ns"] or None,
            "gtrace.certain": None if row["certain"] else False,
        }
        return facts | {f"gtrace.label.{key}": value for key, value in row["labels"] or ()}

    def _event(self, event: Row, moment: int) -> Span.Event:
        facts = {
            "gtrace.wait_ns": event["ns"],
            "gtrace.open": event["open"] or None,
            "gtrace.wake": event["wake"],
            "gtrace.waker_goid": event["waker_goid"],
            "gtrace.obj": None if event["obj"] is None else f"{event['obj']:#x}",
            "gtrace.certain": None if event["certain"] else False,
            "code.function.name": event["function"],
            "code.file.path": event["file"],
            "code.line.number": event["line"],
            "code.stacktrace": self._stacks.get(event["stack_id"]) if event["open"] else None,
        }
        name = event["reason"] or "wait"
        return Span.Event(time_unix_nano=moment, name=name, attributes=_attributes(facts))

    def _root(self, key: tuple[int, int]) -> int:
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

    def _id(self, kind: str, pid: int, goid: int, size: int) -> bytes:
        """The same at every export of a recording, so that sending one twice adds nothing."""
        text = f"{self._recording} {kind} {pid} {goid}"
        return hashlib.blake2b(text.encode(), digest_size=size).digest()


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


def _add_process(
    request: ExportTraceServiceRequest,
    manifest: Manifest,
    process: Process,
    resource: Mapping[str, str],
) -> None:
    """Begin the spans of a process."""
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
    spans: ResourceSpans = request.resource_spans.add()
    spans.resource.attributes.extend(_attributes(facts))
    scope = spans.scope_spans.add()
    scope.scope.name = "gtrace"
    scope.scope.version = __version__


def _attributes(facts: Mapping[str, Any]) -> list[KeyValue]:
    return [
        KeyValue(key=key, value=_value(value)) for key, value in facts.items() if value is not None
    ]


def _value(value: Any) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=[_value(item) for item in value]))
        case _:
            return AnyValue(string_value=str(value))
