"""The program `web` under wrk: what a service does under load, and how much of it it gets done."""

from __future__ import annotations

import subprocess
import urllib.request
from dataclasses import dataclass
from types import TracebackType

from bench.ops import build, environment

_CONNECTIONS = 16


@dataclass(frozen=True)
class Served:
    """Requests the server has answered since it began, and its processor time in seconds."""

    requests: int
    cpu: float

    def __sub__(self, other: Served) -> Served:
        return Served(self.requests - other.requests, self.cpu - other.cpu)


class Web:
    """The server, as busy as one thread of wrk keeps it."""

    def __init__(self, threads: int = 2) -> None:
        self.path = str(build("web"))
        self._server = subprocess.Popen(
            [self.path], stdout=subprocess.PIPE, text=True, env=environment(threads, gc=True)
        )
        self.pid = self._server.pid
        assert self._server.stdout is not None
        self.url = f"http://{self._server.stdout.readline().strip()}/"
        command = ["wrk", "-t1", f"-c{_CONNECTIONS}", "-d24h", self.url]
        self._load = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def served(self) -> Served:
        """How much it has done."""
        with urllib.request.urlopen(self.url + "stats") as answer:
            requests, cpu = answer.read().split()
        return Served(int(requests), int(cpu) / 1e9)

    def __enter__(self) -> Web:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in (self._load, self._server):
            process.kill()
            process.wait()
        assert self._server.stdout is not None
        self._server.stdout.close()
