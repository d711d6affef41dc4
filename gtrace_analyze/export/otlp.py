"""OpenTelemetry's protocol: goroutines as spans under their creators, waits as their events.

The format is that of https://github.com/open-telemetry/opentelemetry-proto, 1.x: over HTTP as
protobuf, in a file as one JSON object a line, which the collector's otlpjsonfile receiver reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from gtrace_analyze._errors import GtraceError
from gtrace_analyze.engine import Engine
from gtrace_analyze.export._http import Client, RefusedError, traces_url
from gtrace_analyze.export._spanforms import Json, Protobuf
from gtrace_analyze.export._spans import MOST_EVENTS, Limits, requests
from gtrace_analyze.selection import ALL, Selection
from gtrace_analyze.units import counted

__all__ = ["Delivery", "send", "write"]

_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True)
class Delivery:
    """How to send: a request that fails is sent `retries` times again, each after twice as long."""

    headers: Mapping[str, str]
    batch: int = 512  # spans of a request
    retries: int = 5
    backoff_s: float = 0.5
    timeout_s: float = 10


def write(
    engine: Engine,
    out: BinaryIO,
    selection: Selection = ALL,
    resource: Mapping[str, str] = _NOTHING,
    most_events: int = MOST_EVENTS,
) -> str:
    """Write the spans as JSON lines; returns what was written.

    Raises UsageError if no goroutine is in the selection.
    """
    spans = 0
    for count, line in requests(engine, selection, resource, Json(), most_events):
        out.write(line)
        spans += count
    return counted(spans, "span")


def send(
    engine: Engine,
    endpoint: str,
    delivery: Delivery,
    selection: Selection = ALL,
    resource: Mapping[str, str] = _NOTHING,
    most_events: int = MOST_EVENTS,
) -> str:
    """Send the spans to a receiver; returns what was sent.

    Raises UsageError if no goroutine is in the selection, GtraceError if not all spans were taken.
    """
    url = traces_url(endpoint)
    client = Client(url, delivery.headers, delivery.retries, delivery.backoff_s, delivery.timeout_s)
    taken = rejected = 0
    why = ""
    limits = Limits(delivery.batch)
    for spans, request in requests(engine, selection, resource, Protobuf(), most_events, limits):
        try:
            refused, said = client.send(request)
        except RefusedError as e:
            raise GtraceError(f"{e}; {counted(taken, 'span')} taken before") from None
        taken, rejected, why = taken + spans - refused, rejected + refused, said or why
    if rejected:
        raise GtraceError(
            f"{url}: took {counted(taken, 'span')} and rejected {rejected:,}"
            + (f": {why}" if why else "")
        )
    return counted(taken, "span")
