"""OTLP over HTTP: requests sent one after the other, again where the receiver may be better later.

What is sent again, and how partial success is told, is laid down by
https://opentelemetry.io/docs/specs/otlp/ (1.8), "OTLP/HTTP Response".
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from urllib.parse import urlsplit

import urllib3
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from urllib3.util import Retry

from gtrace_analyze._errors import GtraceError, UsageError
from gtrace_analyze.export._network import reason
from gtrace_rec import __version__

__all__ = ["Client", "RefusedError", "traces_url"]

_AGAIN = (429, 502, 503, 504)
_PATH = "/v1/traces"


class RefusedError(GtraceError):
    """The receiver did not take a request, and will not."""


def traces_url(endpoint: str) -> str:
    """Where to send spans, of an endpoint as in OTEL_EXPORTER_OTLP_ENDPOINT or its /v1/traces."""
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"--endpoint {endpoint}: is no URL; write http://localhost:4318")
    return endpoint if parts.path.endswith(_PATH) else endpoint.rstrip("/") + _PATH


class Client:
    """A connection to a receiver."""

    def __init__(
        self, url: str, headers: Mapping[str, str], retries: int, backoff_s: float, timeout_s: float
    ) -> None:
        self._url = url
        self._headers = {
            "Content-Type": "application/x-protobuf",
            "Content-Encoding": "gzip",
            "User-Agent": f"gtrace/{__version__}",
            **headers,
        }
        retry = Retry(
            total=retries,
            redirect=0,
            status_forcelist=_AGAIN,
            allowed_methods=None,
            backoff_factor=backoff_s,
            backoff_jitter=backoff_s,
            raise_on_status=False,
            raise_on_redirect=False,
        )
        self._pool = urllib3.PoolManager(retries=retry, timeout=timeout_s)
        self._retries = retries

    def send(self, request: bytes) -> tuple[int, str]:
        """How many spans the receiver did not take, and what it says; (0, "") where all is well.

        Raises RefusedError if, after all retries, it was not reached or did not take the request.
        """
        body = gzip.compress(request, 1)
        try:
            answer = self._pool.request("POST", self._url, body=body, headers=self._headers)
        except urllib3.exceptions.HTTPError as e:
            tries = f" after {self._retries + 1} attempts" if self._retries else ""
            raise RefusedError(f"{self._url}: not reached{tries}: {reason(e)}") from None
        if answer.status != 200:
            tries = f" after {self._retries + 1} attempts" if answer.status in _AGAIN else ""
            said = _message(answer.data, answer.headers.get("Content-Type", ""))
            raise RefusedError(
                f"{self._url}: answered {answer.status} {answer.reason or ''}".rstrip()
                + tries
                + (f": {said}" if said else "")
            )
        try:
            partial = ExportTraceServiceResponse.FromString(answer.data).partial_success
        except DecodeError:
            raise RefusedError(
                f"{self._url}: its answer is not OTLP; is this the right port?"
            ) from None
        return partial.rejected_spans, partial.error_message


def _message(body: bytes, content_type: str) -> str:
    """What the receiver says: a google.rpc.Status, whose field 2 is the message, or text."""
    if content_type.startswith("application/x-protobuf"):
        from opentelemetry.proto.trace.v1.trace_pb2 import Status

        # opentelemetry.proto's own Status has a string there as well.
        try:
            return str(Status.FromString(body).message)
        except DecodeError:
            return ""
    return " ".join(body.decode(errors="replace").split())[:200]
