"""Healthy programs under load, recorded all at once: nothing is said against any of them.

GTRACE_HEALTHY_SECONDS sets for how long.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import pytest

import toolchains
from live import services
from live.recording import READY_S, RECORDER, ROOT, analyze, running, said, wait_until_recording

pytestmark = [pytest.mark.live, pytest.mark.go]

SECONDS = float(os.environ.get("GTRACE_HEALTHY_SECONDS", "10"))
WATCHERS = 20


class Visitors:
    """Clients that ask for pages until they are told to stop; every other on a new connection."""

    def __init__(self, address: str, *pages: str) -> None:
        self.answers = 0
        self._address, self._pages = address, pages
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._visit, args=(n,)) for n in range(6)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _visit(self, number: int) -> None:
        turn, connection = number, http.client.HTTPConnection(self._address, timeout=30)
        while not self._stop.wait(0.05):
            connection.request("GET", self._pages[turn % len(self._pages)])
            connection.getresponse().read()
            self.answers += 1
            turn += 1
            if number % 2:
                connection.close()
        connection.close()


@contextlib.contextmanager
def watching(address: str) -> Iterator[None]:
    """WATCHERS that watch all keys of an etcd, which tells them by streams of gRPC."""
    watch = json.dumps({"create_request": {"key": "AA==", "range_end": "AA=="}})
    connections = [http.client.HTTPConnection(address, timeout=30) for _ in range(WATCHERS)]
    for connection in connections:
        connection.request("POST", "/v3/watch", watch)
        assert b"created" in connection.getresponse().readline()
    yield
    for connection in connections:
        connection.close()


@dataclass(frozen=True)
class Recorded:
    """One recording of several programs."""

    out: Path
    pids: dict[str, int]  # of the programs, by name

    @cached_property
    def groups(self) -> list[dict[str, Any]]:
        """Idle ones too."""
        done = analyze("leaks", "--all", "--json", self.out)
        assert done.returncode == 0, done.stderr
        groups: list[dict[str, Any]] = json.loads(done.stdout)
        return groups


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    folder = tmp_path_factory.mktemp("healthy")
    with contextlib.ExitStack() as stack:
        programs: dict[str, subprocess.Popen[str]] = {}

        def start(name: str, *command: str | Path) -> subprocess.Popen[str]:
            programs[name] = stack.enter_context(running(command, subprocess.DEVNULL))
            return programs[name]

        prometheus, caddy, etcd = (services.free_address() for _ in range(3))
        start("prometheus", *services.prometheus(folder, prometheus, target=prometheus))
        start("caddy", *services.caddy(folder, caddy))
        start("etcd", *services.etcd(folder, etcd))
        for address in (prometheus, caddy, etcd):
            services.wait_for(address)
        leaky = toolchains.build(toolchains.NEWEST, ROOT / "examples" / "leaky")
        shop = start("shop", leaky, "-healthy", "-addr", "127.0.0.1:0")
        address = said(shop.stdout, r"listening on (\S+)")[1]
        pool = toolchains.build(toolchains.NEWEST, ROOT / "tests" / "programs" / "pool.go")
        said(start("pool", pool).stdout, "^ready")

        pids = {name: program.pid for name, program in programs.items()}
        chosen = [option for pid in pids.values() for option in ("--pid", str(pid))]
        out = folder / "trace"
        with running([*RECORDER, "--out", out, *chosen]) as recorder:
            wait_until_recording(out, 4 * READY_S)  # large programs, and several
            stack.enter_context(watching(etcd))
            query = "/api/v1/query?query=rate(go_gc_duration_seconds_count[10s])"
            with (
                Visitors(prometheus, query, "/metrics", "/nothing") as askers,
                Visitors(caddy, "/hello", "/", "/nothing") as guests,
                Visitors(etcd, "/health", "/metrics") as members,
            ):
                _shop_load(address)
            assert min(v.answers for v in (askers, guests, members)) > 10 * SECONDS
            recorder.terminate()
            _, talk = recorder.communicate(timeout=READY_S + SECONDS)
            assert recorder.returncode == 0, talk
        assert [name for name, p in programs.items() if p.poll() is not None] == []
        yield Recorded(out, pids)


def _shop_load(address: str) -> None:
    load = toolchains.build(toolchains.NEWEST, ROOT / "examples" / "leaky" / "load")
    command = [load, "-addr", address, "-duration", f"{SECONDS}s"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS + 60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["prometheus", "caddy", "etcd", "shop", "pool"])
def test_nothing_is_said_against(recorded: Recorded, name: str) -> None:
    said_against = [
        (g["verdict"], g["count"], g["function"], g["reason"], g["evidence"])
        for g in recorded.groups
        if g["pid"] == recorded.pids[name] and g["verdict"] != "idle"
    ]
    assert said_against == []


def test_the_pools_are_there_and_idle(recorded: Recorded) -> None:
    pools = {"main.ranging", "main.choosing", "main.(*queue).serve", "main.owned"}
    found = {
        g["function"]: g["count"]
        for g in recorded.groups
        if g["pid"] == recorded.pids["pool"] and g["function"] in pools
    }
    assert set(found) == pools
    assert sum(found.values()) >= 990


def test_so_are_the_streams(recorded: Recorded) -> None:
    counts = [
        g["count"]
        for g in recorded.groups
        if g["pid"] == recorded.pids["etcd"]
        and (g["function"] or "").endswith(".(*watchServer).Watch")
    ]
    assert counts == [WATCHERS]
