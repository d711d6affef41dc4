"""What a goroutine parks on, against the addresses that the program itself prints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import toolchains
from live.recording import Recording, record

pytestmark = [pytest.mark.live, pytest.mark.go]

START = {
    "main.receive": ("chan", "empty"),
    "main.receiveFrom": ("chan", "buffered"),
    "main.send": ("chan", "full"),
    "main.lock": ("sync", "lock"),
    "main.readLock": ("sync", "readLock"),
    "main.writeLock": ("sync", "writeLock"),
    "main.wait": ("sync", "wait"),
    "main.condWait": ("sync", "condWait"),
}


@pytest.mark.parametrize("mode", ["plain", "pie-stripped"])
@pytest.mark.parametrize("version", [v for v in toolchains.TOOLCHAINS if v >= "1.24"])
def test_what_is_waited_on_is_what_the_program_says(
    tmp_path: Path, go_binary: Callable[..., Path], version: str, mode: str
) -> None:
    out = tmp_path / "trace"
    done = record(out, "--", go_binary("parked.go", version, mode), stdin="quit\n")
    assert done.returncode == 0, done.stderr
    facts = {}
    for line in done.stdout.splitlines():
        if line.startswith("fact "):
            _, kind, what, value = line.split()
            facts[kind, what] = int(value)
    recording = Recording(out)
    parks = recording.sql(
        "select s.name, e.reason, e.obj from events e join spawned s using (goid) "
        "where kind = 'park' qualify row_number() over (partition by goid order by e.ts desc) = 1"
    )
    found = {name: obj for name, _, obj in parks if name in START}
    assert found == {name: facts[fact] for name, fact in START.items()}
    files = {obj for _, reason, obj in parks if reason == "IO wait"}
    assert files == {facts["poll", "accept"], facts["poll", "read"]}
    nothing = {name: obj for name, _, obj in parks if name in ("main.receiveNil", "main.sleep")}
    assert nothing == {"main.receiveNil": None, "main.sleep": None}
