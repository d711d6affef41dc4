"""Other people's servers on loopback, for as long as a block runs."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from live.recording import running

T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def until(get: Callable[[], T], seconds: float = 30) -> T:
    """What `get` returns once it is true."""
    deadline = time.monotonic() + seconds
    while not (value := get()):
        assert time.monotonic() < deadline, value
        time.sleep(0.1)
    return value


@contextlib.contextmanager
def prometheus(data: Path) -> Iterator[Callable[..., list[dict[str, Any]]]]:
    """A Prometheus on these blocks: a function that answers queries, as of a moment in s."""
    config = data.parent / "prometheus.yml"
    config.write_text("{}")
    address = f"127.0.0.1:{free_port()}"
    command = [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address={address}",
    ]

    def query(expression: str, time: float) -> list[dict[str, Any]]:
        arguments = urllib.parse.urlencode({"query": expression, "time": time})
        with urllib.request.urlopen(f"http://{address}/api/v1/query?{arguments}") as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
            return found

    def ready() -> bool:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(f"http://{address}/-/ready", timeout=5).close()
            return True
        return False

    with running(command, subprocess.DEVNULL):
        until(ready)
        yield query
