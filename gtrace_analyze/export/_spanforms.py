"""What spans look like in OTLP: as protobuf, and as JSON.

Messages and numbers of fields: https://github.com/open-telemetry/opentelemetry-proto, trace.proto
and common.proto of 1.x. JSON: https://opentelemetry.io/docs/specs/otlp/ (1.8), "JSON Protobuf
Encoding", which has identifiers in hexadecimal, and integers of 64 bits as strings.
"""

from __future__ import annotations

import functools
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from gtrace_analyze.export import _protobuf as wire
from gtrace_analyze.export._pieces import Ints, by_value, gathered, joined, octets_of, sizes

__all__ = ["Events", "Form", "Json", "Protobuf", "Spans"]

# Attributes that are strings, and no two alike.
_OFTEN_DIFFERENT = {"gtrace.obj"}

Octets = npt.NDArray[np.uint8]
Attributes = Mapping[str, pa.Array]


@dataclass(frozen=True)
class Events:
    """Columns of events, those of the first span first, and how many each span has."""

    counts: Ints
    times: Ints
    names: pa.Array
    attributes: Attributes


@dataclass(frozen=True)
class Spans:
    """Columns of spans.

    Identifiers are octets, a row each; `has_parent` says which of `parent_ids` count. An attribute
    is of a span where it is not NULL. `labels` are further attributes, with their names.
    """

    trace_ids: Octets
    ids: Octets
    parent_ids: Octets
    has_parent: npt.NDArray[np.bool_]
    names: pa.Array
    starts: Ints
    ends: Ints
    attributes: Attributes
    label_counts: Ints
    labels: Sequence[tuple[str, str]]
    events: Events
    dropped_events: Ints


class Form(ABC):
    """A way to write spans."""

    @abstractmethod
    def spans(self, spans: Spans) -> pa.Array:
        """Each of the spans, so that they may stand one after the other."""

    @abstractmethod
    def request(self, processes: Sequence[tuple[ResourceSpans, bytes]]) -> bytes:
        """A request: processes without spans, with the spans of each as `spans` made them."""


class Protobuf(Form):
    """As HTTP has it."""

    def spans(self, spans: Spans) -> pa.Array:
        fields = wire.beside(
            wire.blobs(1, spans.trace_ids),
            wire.blobs(2, spans.ids),
            wire.blobs(4, spans.parent_ids, spans.has_parent),
            wire.uints(6, Span.SPAN_KIND_INTERNAL),
            wire.fixed64s(7, spans.starts),
            wire.fixed64s(8, spans.ends),
            wire.uints(12, spans.dropped_events),
        )
        labels = pa.array([_attribute(9, *label) for label in spans.labels], pa.large_binary())
        content = joined(
            octets_of(fields),
            by_value(spans.names, lambda name: wire.blob(5, name)),
            *(self._attributes(9, key, values) for key, values in spans.attributes.items()),
            gathered(labels, spans.label_counts),
            gathered(self._events(spans.events), spans.events.counts),
        )
        return self._message(2, content)

    def request(self, processes: Sequence[tuple[ResourceSpans, bytes]]) -> bytes:
        return b"".join(
            wire.message(
                1,
                wire.message(1, process.resource.SerializeToString()),
                wire.message(
                    2, wire.message(1, process.scope_spans[0].scope.SerializeToString()), spans
                ),
            )
            for process, spans in processes
        )

    def _events(self, events: Events) -> pa.Array:
        content = joined(
            octets_of(wire.fixed64s(1, events.times)),
            by_value(events.names, lambda name: wire.blob(2, name)),
            *(self._attributes(3, key, values) for key, values in events.attributes.items()),
        )
        return self._message(11, content)

    def _message(self, number: int, content: pa.Array) -> pa.Array:
        return joined(octets_of(wire.heads(number, sizes(content))), content)

    def _attributes(self, number: int, key: str, values: pa.Array) -> pa.Array:
        if key in _OFTEN_DIFFERENT:
            return self._texts(number, key, values)
        if not pa.types.is_integer(values.type):
            return by_value(values, lambda value: _attribute(number, key, value))
        where = values.is_valid().to_numpy(zero_copy_only=False)
        value = wire.messages(2, wire.uints(3, values.fill_null(0).to_numpy()))
        name = wire.same(wire.blob(1, key))
        return octets_of(wire.messages(number, name, value, where=where))

    def _texts(self, number: int, key: str, values: pa.Array) -> pa.Array:
        """Strings, without a look at each."""
        name, text = wire.same(wire.blob(1, key)), pc.binary_length(values).fill_null(0).to_numpy()
        inner = wire.heads(1, text)
        outer = wire.heads(2, inner.sizes + text)
        whole = wire.heads(number, name.sizes + outer.sizes + inner.sizes + text)
        return joined(octets_of(wire.beside(whole, name, outer, inner)), values).fill_null(b"")


def _attribute(number: int, key: str, value: bool | str) -> bytes:
    any_value = wire.uint(2, value) if isinstance(value, bool) else wire.blob(1, value)
    return wire.message(number, wire.blob(1, key), wire.message(2, any_value))


class Json(Form):
    """As a file has it. Spans, events and attributes begin with a comma, which the first sheds."""

    def spans(self, spans: Spans) -> pa.Array:
        labels = pa.array([self._attribute(*label) for label in spans.labels], pa.large_binary())
        attributes = joined(
            *(self._attributes(key, values) for key, values in spans.attributes.items()),
            gathered(labels, spans.label_counts),
        )
        return joined(
            b',{"traceId":"',
            _hexadecimal(spans.trace_ids),
            b'","spanId":"',
            _hexadecimal(spans.ids),
            b'"',
            _if(
                spans.has_parent, joined(b',"parentSpanId":"', _hexadecimal(spans.parent_ids), b'"')
            ),
            by_value(spans.names, lambda name: b',"name":' + _text(name)),
            b',"kind":%d,"startTimeUnixNano":"' % Span.SPAN_KIND_INTERNAL,
            _decimal(spans.starts),
            b'","endTimeUnixNano":"',
            _decimal(spans.ends),
            b'","droppedEventsCount":',
            _decimal(spans.dropped_events),
            b',"attributes":[',
            _without_comma(attributes),
            b'],"events":[',
            _without_comma(gathered(self._events(spans.events), spans.events.counts)),
            b"]}",
        )

    def request(self, processes: Sequence[tuple[ResourceSpans, bytes]]) -> bytes:
        texts = []
        for process, spans in processes:
            resource = _document(process.resource)
            scope = _document(process.scope_spans[0].scope)
            texts.append(
                b'{"resource":%s,"scopeSpans":[{"scope":%s,"spans":[%s]}]}'
                % (resource, scope, spans[1:])
            )
        return b'{"resourceSpans":[' + b",".join(texts) + b"]}\n"

    def _events(self, events: Events) -> pa.Array:
        attributes = joined(
            *(self._attributes(key, values) for key, values in events.attributes.items())
        )
        return joined(
            b',{"timeUnixNano":"',
            _decimal(events.times),
            b'","name":',
            by_value(events.names, _text),
            b',"attributes":[',
            _without_comma(attributes),
            b"]}",
        )

    def _attributes(self, key: str, values: pa.Array) -> pa.Array:
        if not pa.types.is_integer(values.type):
            return by_value(values, functools.partial(self._attribute, key))
        head = b',{"key":%s,"value":{"intValue":"' % _text(key)
        return joined(head, values.cast(pa.string()), b'"}}').fill_null(b"")

    def _attribute(self, key: str, value: bool | str) -> bytes:
        kind = b"boolValue" if isinstance(value, bool) else b"stringValue"
        return b',{"key":%s,"value":{"%s":%s}}' % (_text(key), kind, _text(value))


def _text(value: bool | str) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _document(message: Any) -> bytes:
    return json.dumps(MessageToDict(message), ensure_ascii=False, separators=(",", ":")).encode()


def _decimal(values: Ints) -> pa.Array:
    return pa.array(values).cast(pa.string())


def _hexadecimal(octets: Octets) -> pa.Array:
    text, width = octets.tobytes().hex(), 2 * octets.shape[1]
    return pa.array([text[i : i + width] for i in range(0, len(text), width)], pa.string())


def _if(there: npt.NDArray[np.bool_], rows: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(there), rows, pa.scalar(b"", rows.type))


def _without_comma(rows: pa.Array) -> pa.Array:
    return pc.binary_replace_slice(rows, 0, 1, b"")
