"""Spans, decoded by opentelemetry-proto: from a file, and by a receiver on loopback."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from export.scene import US, scene, written
from export.servers import free_port
from gtrace_analyze._errors import GtraceError, UsageError
from gtrace_analyze.engine import Engine
from gtrace_analyze.export import otlp
from gtrace_analyze.selection import Selection
from live.recording import ENV, analyze
from live.recording import Recording as Recorded
from synth import Recording, alive

Analyzed = Callable[..., Engine]
START = 1_700_000_000 * 10**9


@dataclass
class Receiver:
    """An OTLP receiver. `answers` are given first: status, headers and body; then all is well."""

    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    taken: list[ExportTraceServiceRequest] = field(default_factory=list)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    @property
    def spans(self) -> list[Span]:
        return [span for request in self.taken for span in _spans(request)]


def _spans(request: ExportTraceServiceRequest) -> list[Span]:
    return [s for r in request.resource_spans for scope in r.scope_spans for s in scope.spans]


@contextmanager
def receiving(*answers: tuple[int, dict[str, str], bytes]) -> Iterator[Receiver]:
    receiver = Receiver(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.seen.append((self.path, dict(self.headers)))
            request = ExportTraceServiceRequest.FromString(gzip.decompress(body))
            status, headers, answer = 200, {}, ExportTraceServiceResponse().SerializeToString()
            if receiver.answers:
                status, headers, answer = receiver.answers.pop(0)
            if status == 200:
                receiver.taken.append(request)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(answer)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()


def _delivery(**changes: Any) -> otlp.Delivery:
    return otlp.Delivery(**({"headers": {}, "backoff_s": 0.01} | changes))


def _facts(attributes: Any) -> dict[str, Any]:
    found = {}
    for a in attributes:
        kind = a.value.WhichOneof("value")
        value = getattr(a.value, kind)
        found[a.key] = [v.string_value for v in value.values] if kind == "array_value" else value
    return found


def _by_goid(spans: list[Span]) -> dict[int, Span]:
    return {_facts(span.attributes)["gtrace.goid"]: span for span in spans}


def test_spans_lie_under_their_creators(analyzed: Analyzed) -> None:
    with receiving() as receiver:
        said = otlp.send(analyzed(scene()), receiver.url, _delivery())
    assert said == "2 spans"
    (request,) = receiver.taken
    spans = _by_goid(receiver.spans)
    assert set(spans) == {7, 8}
    assert spans[7].parent_span_id == b""  # goroutine 1 was never seen
    assert spans[8].parent_span_id == spans[7].span_id
    assert spans[8].trace_id == spans[7].trace_id
    assert (len(spans[7].trace_id), len(spans[7].span_id)) == (16, 8)
    assert spans[7].name == "main.main.gowrap1"
    assert spans[7].start_time_unix_nano == START + 100 * US
    assert spans[7].end_time_unix_nano == START + 435 * US
    assert spans[8].end_time_unix_nano == START + 10_000 * US
    facts = _facts(spans[7].attributes)
    assert facts["code.function.name"] == "main.main.gowrap1"
    assert facts["gtrace.parent_goid"] == 1
    assert facts["gtrace.created_at"] == "main.go:12"
    assert facts["gtrace.waiting_ns"] == 200 * US
    assert not facts.keys() & {"gtrace.state", "gtrace.open", "gtrace.began_before"}
    assert _facts(spans[8].attributes)["gtrace.state"] == "waiting"
    resource = _facts(request.resource_spans[0].resource.attributes)
    assert resource["service.name"] == "app"
    assert resource["process.command_args"] == ["/srv/app"]
    assert resource["process.runtime.version"] == "go1.27.3"
    assert resource["host.name"] == "synth"


def test_waits_are_events(analyzed: Analyzed) -> None:
    with receiving() as receiver:
        otlp.send(analyzed(scene()), receiver.url, _delivery())
    spans = _by_goid(receiver.spans)
    receive, nap = spans[7].events
    assert (receive.name, receive.time_unix_nano) == ("chan receive", START + 160 * US)
    assert _facts(receive.attributes) == {
        "gtrace.wait_ns": 100 * US,
        "gtrace.wake": "goroutine",
        "gtrace.waker_goid": 1,
        "gtrace.obj": "0xc0",
        "code.function.name": "main.next",
        "code.file.path": "main.go",
        "code.line.number": 31,
    }
    assert (nap.name, nap.time_unix_nano) == ("sleep", START + 310 * US)
    (lock,) = spans[8].events
    facts = _facts(lock.attributes)
    assert facts["gtrace.open"] is True
    assert "main.pay(...)\n\tbank.go:10\n" in facts["code.stacktrace"]
    assert "gtrace.wake" not in facts


def test_only_the_longest_waits(analyzed: Analyzed) -> None:
    b = Recording()
    go = b.go(7, parent=1, ts=1)
    for n, length in enumerate((30, 10, 40, 20)):
        go.run(100 * n + 2).park(100 * n + 10, "select").ready(100 * n + 10 + length)
    with receiving() as receiver:
        otlp.send(analyzed(b), receiver.url, _delivery(), most_events=2)
    (span,) = receiver.spans
    assert [_facts(e.attributes)["gtrace.wait_ns"] for e in span.events] == [30, 40]
    assert span.dropped_events_count == 2


def test_a_part_of_a_recording(analyzed: Analyzed) -> None:
    part = Selection(start=str(200 * US), end=str(270 * US))
    with receiving() as receiver:
        otlp.send(analyzed(scene()), receiver.url, _delivery(), part)
    (span,) = receiver.spans
    assert span.start_time_unix_nano == START + 200 * US
    assert span.end_time_unix_nano == START + 270 * US
    facts = _facts(span.attributes)
    assert (facts["gtrace.began_before"], facts["gtrace.open"]) == (True, True)
    (event,) = span.events
    assert _facts(event.attributes)["gtrace.wait_ns"] == 60 * US
    with pytest.raises(UsageError, match="no goroutine matches"):
        otlp.send(analyzed(scene()), receiver.url, _delivery(), Selection(goids=frozenset({99})))


def _many(number: int) -> Recording:
    b = Recording()
    for n in range(number):
        b.go(100 + n, parent=100, ts=n + 1).run(n + 2).exit(n + 3)
    return b


def test_batches(analyzed: Analyzed) -> None:
    with receiving() as receiver:
        assert otlp.send(analyzed(_many(101)), receiver.url, _delivery(batch=10)) == "101 spans"
    assert [len(_spans(r)) for r in receiver.taken] == [10] * 10 + [1]
    assert all(len(r.resource_spans) == 1 for r in receiver.taken)
    assert len({s.span_id for s in receiver.spans}) == 101
    assert len({s.trace_id for s in receiver.spans}) == 1


def test_a_receiver_that_is_overloaded_is_asked_again(analyzed: Analyzed) -> None:
    busy = [(503, {}, b""), (429, {"Retry-After": "1"}, b""), (502, {}, b""), (504, {}, b"")]
    with receiving(*busy) as receiver:
        said = otlp.send(analyzed(_many(30)), receiver.url, _delivery(batch=10))
    assert said == "30 spans"
    assert len(receiver.seen) == 3 + 4
    assert len({s.span_id for s in receiver.spans}) == len(receiver.spans) == 30


def test_it_gives_up_in_the_end(analyzed: Analyzed) -> None:
    text = {"Content-Type": "text/plain"}
    good = (200, {}, b"")
    with receiving(good, *[(503, text, b"no room")] * 3) as receiver:
        with pytest.raises(GtraceError) as caught:
            otlp.send(analyzed(_many(30)), receiver.url, _delivery(batch=10, retries=2))
        assert str(caught.value) == (
            f"{receiver.url}/v1/traces: answered 503 Service Unavailable after 3 attempts: "
            "no room; 10 spans taken before"
        )
    assert len(receiver.seen) == 4


def test_a_refusal_is_final(analyzed: Analyzed) -> None:
    said = Status(message="no such tenant").SerializeToString()
    with receiving((401, {"Content-Type": "application/x-protobuf"}, said)) as receiver:
        with pytest.raises(GtraceError, match="answered 401 Unauthorized: no such tenant; 0 spans"):
            otlp.send(analyzed(scene()), receiver.url, _delivery())
        assert len(receiver.seen) == 1


def test_partial_success_is_told(analyzed: Analyzed) -> None:
    partial = ExportTraceServiceResponse()
    partial.partial_success.rejected_spans = 3
    partial.partial_success.error_message = "too old"
    answers = [(200, {}, partial.SerializeToString())]
    with receiving(*answers) as receiver:
        with pytest.raises(GtraceError, match="took 27 spans and rejected 3: too old"):
            otlp.send(analyzed(_many(30)), receiver.url, _delivery(batch=10))
        assert len(receiver.seen) == 3  # what was taken is not sent again


def test_something_else_listens_there(analyzed: Analyzed) -> None:
    said = "its answer is not OTLP; is this the right port"
    with (
        receiving((200, {}, b"<html>hello</html>")) as receiver,
        pytest.raises(GtraceError, match=said),
    ):
        otlp.send(analyzed(scene()), receiver.url, _delivery())


def _from_json(text: bytes) -> list[Span]:
    """What the lines say, identifiers turned back into what protobuf's own JSON has."""
    spans = []
    for line in text.splitlines():
        document = json.loads(line)
        for resource in document["resourceSpans"]:
            for span in resource["scopeSpans"][0]["spans"]:
                for name in ("traceId", "spanId", "parentSpanId"):
                    if name in span:
                        span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
        spans += _spans(Parse(json.dumps(document), ExportTraceServiceRequest()))
    return spans


def test_json_says_the_same(analyzed: Analyzed) -> None:
    engine = analyzed(scene().snapshot(5, alive(1, labels=[("user", "ann")])))
    with receiving() as receiver:
        otlp.send(engine, receiver.url, _delivery())
    text = written(otlp.write, engine)
    assert _from_json(text) == receiver.spans
    spans = _by_goid(receiver.spans)
    assert spans[7].parent_span_id == spans[1].span_id
    assert _facts(spans[1].attributes)["gtrace.label.user"] == "ann"
    raw = json.loads(text)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    assert raw["kind"] == 1  # enumerations are numbers in OTLP's JSON
    assert len(raw["traceId"]) == 32


@pytest.mark.live
@pytest.mark.go
def test_a_real_recording(lives: Path) -> None:
    with receiving() as receiver:
        done = analyze(
            "export", "otlp", lives, "--endpoint", receiver.url, "--header", "X-Tenant=7",
            "--resource", "service.name=lives", "--batch", "100",
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    recording = Recorded(lives)
    made = {goid for (goid,) in recording.sql("select goid from spawned")}
    spans = _by_goid(receiver.spans)
    assert made <= set(spans)
    parents = dict(recording.sql("select goid, other_goid from spawned"))
    for goid, parent in parents.items():
        if parent in spans:
            assert spans[goid].parent_span_id == spans[parent].span_id
    path, headers = receiver.seen[0]
    assert (path, headers["X-Tenant"]) == ("/v1/traces", "7")
    resource = _facts(receiver.taken[0].resource_spans[0].resource.attributes)
    assert resource["service.name"] == "lives"
    assert resource["process.pid"] == recording.manifest["processes"][0]["pid"]


def test_bad_input(tmp_path: Path) -> None:
    trace = scene().write(tmp_path / "trace.parquet")
    nobody = f"http://127.0.0.1:{free_port()}"
    for options, status, said in [
        (["--endpoint", nobody, "--retries", "1"], 1,
         f"{nobody}/v1/traces: not reached after 2 attempts: Connection refused; 0 spans"),
        (["--endpoint", nobody, "--retries", "0"], 1, "/v1/traces: not reached: Connection refu"),
        (["--endpoint", "http://no.invalid", "--retries", "0"], 1, "not reached: "),
        (["--endpoint", "localhost:4318"], 2, "--endpoint localhost:4318: is no URL; write http:"),
        (["--header", "x"], 2, "--header x: is not NAME=VALUE"),
        (["-o", "/dev/full"], 1, "/dev/full: cannot be written: No space left on device"),
        (["--goid", "99"], 2, "no goroutine matches the selection"),
    ]:  # fmt: skip
        done = analyze("export", "otlp", trace, *options)
        assert said in done.stderr
        assert done.returncode == status
        assert "Traceback" not in done.stderr


def test_what_is_not_installed_is_named(tmp_path: Path) -> None:
    trace = scene().write(tmp_path / "trace.parquet")
    program = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from gtrace_analyze.commands import main; main()"
    )
    command = [sys.executable, "-c", program, "export", "otlp", str(trace)]
    done = subprocess.run(command, env=ENV, capture_output=True, text=True)
    assert done.returncode == 1
    assert "this format needs the Python package opentelemetry" in done.stderr
    assert "pip install 'gtrace[otlp]'" in done.stderr
    assert "Traceback" not in done.stderr
