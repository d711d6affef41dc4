"""The wire format, against Google's own reader and writer."""

from __future__ import annotations

import numpy as np
from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as pb

from gtrace_analyze.export._protobuf import (
    beside,
    blob,
    fixed64s,
    message,
    messages,
    packed,
    uint,
    uints,
)

# Every edge of a varint's length, and a sign.
EDGES = [0, 1, 127, 128, 2**14 - 1, 2**14, 2**32, 2**56, 2**63 - 1, -1]


def test_single_messages() -> None:
    for number in EDGES:
        event = pb.TrackEvent.FromString(uint(30, number) + blob(23, "é") + uint(11, number))
        assert (event.counter_value, event.name) == (number, "é")
        assert event.track_uuid == number % 2**64
    numbers = [e % 2**64 for e in EDGES]
    assert list(pb.Callstack.FromString(packed(2, EDGES)).frame_ids) == numbers
    packet = pb.TracePacket.FromString(message(11, uint(9, 1), blob(23, "x" * 300)))
    assert packet.track_event.name == "x" * 300


def test_columns() -> None:
    values = np.array(EDGES)
    even = np.arange(len(EDGES)) % 2 == 0
    event = messages(
        11,
        uints(30, values),
        uints(9, 4),
        messages(4, uints(3, values), where=even),
        fixed64s(47, values, ~even),
    )
    column = messages(1, uints(8, values), event, where=values != 128)
    packets = pb.Trace.FromString(column.tobytes()).packet
    kept = [(v, bool(e)) for v, e in zip(EDGES, even, strict=True) if v != 128]
    assert [p.timestamp for p in packets] == [v % 2**64 for v, _ in kept]
    for packet, (value, is_even) in zip(packets, kept, strict=True):
        got = packet.track_event
        assert (got.counter_value, got.type) == (value, 4)
        assert [a.uint_value for a in got.debug_annotations] == [value % 2**64] * is_even
        assert list(got.flow_ids) == [value % 2**64] * (not is_even)


def test_rows_are_written_one_after_the_other() -> None:
    rows = beside(
        messages(1, uints(8, np.array([5, 300]))), messages(1, uints(8, np.array([6, 7])))
    )
    trace = pb.Trace.FromString(rows.tobytes())
    assert [p.timestamp for p in trace.packet] == [5, 6, 300, 7]
