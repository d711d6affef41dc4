"""Runs tests/programs/parked.go and reads what it says of itself."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import toolchains
from gtrace_rec import procfs
from gtrace_rec.goruntime import open_binary
from gtrace_rec.goruntime.process import GoProcess

PARKED = Path(__file__).resolve().parent.parent / "programs" / "parked.go"

_HEAD = re.compile(r"goroutine (\d+)(?: .*?)? \[([^,\]]*)(?:, [^\]]*)?\](?: \{.*\})?:$")
_PLACE = re.compile(r"\t(.*):(\d+)(?: \+0x[0-9a-f]+)?(?: fp=.*)?$")
_CREATED = re.compile(r"created by (.*?)(?: in goroutine (\d+))?$")


@dataclass
class Dumped:
    """A goroutine in Go's own dump. Frames are (function, file, line), innermost first."""

    goid: int
    state: str
    frames: list[tuple[str, str, int]] = field(default_factory=list)
    created: tuple[str, str, int] | None = None
    parent: int | None = None


def parse_dump(text: str) -> dict[int, Dumped]:
    """Goroutines by goid, as `pprof.Lookup("goroutine").WriteTo(w, 2)` or SIGQUIT prints them."""
    found = {}
    for block in text.strip().split("\n\n"):
        head, *lines = block.split("\n")
        m = _HEAD.match(head)
        assert m, head
        g = found[int(m[1])] = Dumped(int(m[1]), m[2])
        while lines:
            name = lines.pop(0)
            if name.startswith("..."):  # frames left out
                continue
            place = _PLACE.match(lines.pop(0))
            assert place, block
            where = place[1], int(place[2])
            created = _CREATED.match(name)
            if created:
                g.created = (created[1], *where)
                g.parent = int(created[2]) if created[2] else None
            else:
                g.frames.append((name[: name.rindex("(")], *where))
    return found


@dataclass
class Parked:
    """A running tests/programs/parked.go. `facts` is what it says of itself: facts[kind, what]."""

    process: GoProcess
    facts: dict[tuple[str, str], int]
    _popen: subprocess.Popen[str]

    def dump(self) -> dict[int, Dumped]:
        """Go's own dump of its goroutines."""
        stdin, stdout = self._popen.stdin, self._popen.stdout
        assert stdin
        assert stdout
        print("dump", file=stdin, flush=True)
        return parse_dump("".join(iter(stdout.readline, "end\n")))


@contextlib.contextmanager
def parked(version: str, mode: str = "plain", *arguments: str) -> Iterator[Parked]:
    """The program, once all of its goroutines are where they will stay."""
    binary = toolchains.build(version, PARKED, mode)
    popen = subprocess.Popen(
        [binary, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        facts = {}
        assert popen.stdout
        for line in iter(popen.stdout.readline, "ready\n"):
            _, kind, what, value = line.split()
            facts[kind, what] = int(value)
        go = open_binary(binary)
        bias = procfs.load_bias(popen.pid, go)
        assert bias is not None
        yield Parked(GoProcess(popen.pid, go, bias), facts, popen)
    finally:
        popen.kill()
        popen.communicate()
