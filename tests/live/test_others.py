"""Servers that others built, stripped, recorded under load: named, counted, and not harmed."""

from __future__ import annotations

import http.client
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from live import services
from live.recording import Recording, record, recording_of, running

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not shutil.which("wrk"), reason="apt-get install wrk"),
]

DEPTH = 64  # of the stacks that are kept


@dataclass
class Server:
    """A running server; `told` is a connection to where it serves its goroutines' stacks."""

    process: subprocess.Popen[str]
    page: str
    told: http.client.HTTPConnection
    own: str  # beginning of its own functions' names

    def goids(self) -> set[int]:
        """Of all goroutines, by its own dump."""
        self.told.request("GET", "/debug/pprof/goroutine?debug=2")
        dump = self.told.getresponse().read().decode()
        return {int(goid) for goid in re.findall(r"^goroutine (\d+) ", dump, re.MULTILINE)}


@pytest.fixture(params=["prometheus", "caddy"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    address = services.free_address()
    if request.param == "prometheus":
        told, own = address, "github.com/prometheus/"
        command = services.prometheus(tmp_path, address)
        page = f"http://{address}/api/v1/query?query=vector(1)"
    else:
        told, own = services.free_address(), "github.com/caddyserver/"
        command = services.caddy(tmp_path, address, admin=told)
        page = f"http://{address}/hello"
    with running(command, subprocess.DEVNULL) as process:
        services.wait_for(address)
        services.wait_for(told)
        yield Server(process, page, http.client.HTTPConnection(told, timeout=30), own)


def test_the_first_snapshot_has_the_goroutines_that_the_server_knows(
    server: Server, tmp_path: Path
) -> None:
    """What serves the dump itself is another goroutine each time, and gone in between."""
    before = server.goids()
    with recording_of(server.process.pid, tmp_path / "trace") as (_, recording):
        after = server.goids()
    found = recording.sql(
        "select goid from goroutines join symbols on pc = startpc and depth = 0 "
        "where snapshot = 0 and (function = 'runtime.main' or function not like 'runtime.%')"
    )
    assert {goid for (goid,) in found} == before & after
    assert 0 < len(before) - len(before & after) < 5


def test_under_load_stacks_are_named_and_the_server_is_not_harmed(
    server: Server, tmp_path: Path
) -> None:
    wrk = ["wrk", "-t1", "-c8", "-d5m", "--timeout", "10s", server.page]
    with running(wrk) as load:
        done = record(tmp_path / "trace", "--pid", server.process.pid, "--duration", "4s")
        assert done.returncode == 0, done.stderr
        load.send_signal(signal.SIGINT)  # long after it began and before it would end
        printed, _ = load.communicate(timeout=60)
    assert "Socket errors" not in printed, printed
    assert "Non-2xx" not in printed, printed
    assert float(re.findall(r"Requests/sec: +([\d.]+)", printed)[0]) > 10

    recording = Recording(tmp_path / "trace")
    assert recording.manifest["exes"][0]["stripped"]
    assert recording.manifest["totals"]["lost_stack"] == 0
    assert recording.one("select count(*) from events where kind = 'park'") > 1000
    assert (
        recording.one("select count(*) from events where kind = 'park' and stack_id is null") == 0
    )
    assert recording.one("select count(*) from symbols where function is null") == 0
    outermost = recording.sql(
        "select distinct function from stacks join symbols on pc = pcs[-1] "
        f"join events using (stack_id) where kind = 'park' and len(pcs) < {DEPTH} and not inlined"
    )
    assert outermost == [("runtime.goexit",)]
    own = f"select count(*) from symbols where function like '{server.own}%' and line > 0"
    assert recording.one(own) > 10

    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=30) == 0
