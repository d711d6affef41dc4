"""What a goroutine parks on, against the addresses that the program itself prints."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import toolchains
from live.recording import RECORDER, Recording, running, said

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


VERSIONS = [v for v in toolchains.TOOLCHAINS if v >= "1.24"]
# Without debug information everywhere, and once with it.
BUILDS = [*((version, "pie-stripped") for version in VERSIONS), (toolchains.NEWEST, "plain")]

Facts = dict[tuple[str, str], int]


@pytest.fixture(scope="module")
def recorded(
    tmp_path_factory: pytest.TempPathFactory, go_binary: Callable[..., Path]
) -> dict[tuple[str, str], tuple[Recording, Facts]]:
    """All builds of the program, from their first instruction, in one recording; and what each
    printed."""
    out = tmp_path_factory.mktemp("objects") / "trace"
    binaries = {(v, m): go_binary("parked.go", v, m) for v, m in BUILDS}
    chosen = [option for binary in binaries.values() for option in ("--exe", str(binary))]
    with running([*RECORDER, "--out", out, *chosen]) as recorder:
        said(recorder.stderr, "recording every process")
        found = {}
        for build, binary in binaries.items():
            program = subprocess.Popen(
                [binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            printed, _ = program.communicate("quit\n", timeout=30)
            lines = [line.split() for line in printed.splitlines() if line.startswith("fact ")]
            facts = {(kind, what): int(value) for _, kind, what, value in lines}
            found[build] = Recording(out, program.pid), facts
        recorder.terminate()
        _, talk = recorder.communicate(timeout=60)
        assert recorder.returncode == 0, talk
    return found


@pytest.mark.parametrize(("version", "mode"), BUILDS)
def test_what_is_waited_on_is_what_the_program_says(
    recorded: dict[tuple[str, str], tuple[Recording, Facts]], version: str, mode: str
) -> None:
    recording, facts = recorded[version, mode]
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
