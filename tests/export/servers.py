"""Other people's servers on loopback, for as long as a block runs."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
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


def postgres_programs() -> Path | None:
    """Where initdb and postgres lie: Debian keeps them off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL of its own, on a socket: the address as libpq has it."""
    programs = postgres_programs()
    assert programs is not None
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    # Not pytest's directory, whose name is too long for a socket, and which is closed to others.
    with tempfile.TemporaryDirectory(prefix="gtrace-pg-") as folder:
        if user:
            shutil.chown(folder, user)
        data = f"{folder}/data"
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "gtrace", "-A", "trust", "-E", "UTF8", "-N"],
            user=user, cwd=folder, stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=",
             "-c", "fsync=off"],
            user=user, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            until(lambda: Path(folder, ".s.PGSQL.5432").exists())
            address = f"postgresql://gtrace@/postgres?host={folder}"
            ready = [programs / "pg_isready", "-q", "-d", address]
            until(lambda: subprocess.run(ready).returncode == 0)
            yield address
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait(timeout=30)


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
