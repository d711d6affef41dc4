"""profile.proto, the format of ``go tool pprof``.

Field numbers are those of https://github.com/google/pprof/blob/main/proto/profile.proto, as Go 1.27
writes them too (runtime/pprof/proto.go).
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from gtrace_analyze.engine import Engine
from gtrace_analyze.export import _samples
from gtrace_analyze.export._clock import Clock
from gtrace_analyze.export._protobuf import blob, message, packed, uint
from gtrace_analyze.export._samples import Measure, Sample
from gtrace_analyze.export._stacks import Location
from gtrace_analyze.selection import ALL, Selection
from gtrace_rec.schema import Exe

__all__ = ["write"]

# What pprof leaves out on the side of the leaves, so that time is shown where a program waits and
# not as runtime.gopark. It compares names up to the first "(", hence no methods can be named; none
# of these functions calls back into a program.
_DROP = (
    r"runtime\.(gopark|goparkunlock|chanrecv[12]?|chansend1?|selectgo|selectnbrecv|selectnbsend"
    r"|block|semacquire1?|netpollblock|newproc|newproc1|Gosched|goschedImpl|gopreempt_m|mcall"
    r"|notetsleepg|timeSleep|systemstack|ready|goready|sync_runtime_\w+|poll_runtime_\w+)"
    r"|(internal/)?sync\.runtime_\w+|internal/poll\.runtime_\w+"
)


def write(engine: Engine, out: BinaryIO, selection: Selection = ALL, by_goid: bool = False) -> str:
    """Write a gzipped profile with every measure the recording can tell; returns what was written.

    With `by_goid`, samples are told apart, and labelled, by goroutine. Raises UsageError if there
    is nothing in the selection.
    """
    measures = _samples.known_measures(engine)
    samples = _samples.collect(engine, selection, by_goid)
    profile = _Profile(engine.recording.manifest.exes, measures)
    count = 0
    with gzip.GzipFile(filename="", fileobj=out, mode="wb", compresslevel=6, mtime=0) as packed_out:
        for sample in samples:
            packed_out.write(profile.sample(sample))
            count += 1
        for part in profile.rest(engine, selection):
            packed_out.write(part)
    return f"{count:,} samples of {', '.join(m.name for m in measures)}"


class _Profile:
    """What samples refer to, numbered as it comes up. The order of the file's fields is free."""

    def __init__(self, exes: Iterable[Exe], measures: list[Measure]) -> None:
        self._exes = {exe.exe: exe for exe in exes}
        self._measures = measures
        self._strings = {"": 0}
        self._functions: dict[tuple[str, str], int] = {}
        self._locations: dict[Location, int] = {}

    def _string(self, text: str) -> int:
        return self._strings.setdefault(text, len(self._strings))

    def sample(self, sample: Sample) -> bytes:
        values = [
            getattr(sample, m.column) if m.measure == sample.measure else 0 for m in self._measures
        ]
        places = (self._locations.setdefault(at, len(self._locations) + 1) for at in sample.stack)
        labels = [
            message(3, uint(1, self._string(key)), uint(2, self._string(value)))
            for key, value in sample.labels.items()
        ]
        if sample.goid is not None:
            labels.append(message(3, uint(1, self._string("goid")), uint(3, sample.goid)))
        return message(2, packed(1, places), packed(2, values), *labels)

    def rest(self, engine: Engine, selection: Selection) -> Iterator[bytes]:
        for measure in self._measures:
            yield message(
                1, uint(1, self._string(measure.name)), uint(2, self._string(measure.unit))
            )
        for number, exe in enumerate(self._exes.values(), 1):
            yield self._mapping(number, exe)
        numbers = {exe: number for number, exe in enumerate(self._exes, 1)}
        for location, number in self._locations.items():
            yield self._location(number, location, numbers.get(location.exe, 0))
        for (function, file), number in self._functions.items():
            name = uint(2, self._string(function)) + uint(3, self._string(function))
            yield message(5, uint(1, number), name, uint(4, self._string(file)))
        yield from self._facts(engine, selection)
        yield b"".join(blob(6, text) for text in self._strings)

    def _location(self, number: int, location: Location, mapping: int) -> bytes:
        lines = []
        for line in location.lines:
            key = (line.function, line.file or "")
            function = self._functions.setdefault(key, len(self._functions) + 1)
            lines.append(message(4, uint(1, function), uint(2, line.line or 0)))
        return message(4, uint(1, number), uint(2, mapping), uint(3, location.pc), *lines)

    def _mapping(self, number: int, exe: Exe) -> bytes:
        """A binary. All addresses from 0 on, by which pprof knows them to be those in the file."""
        path, build_id = self._string(exe.path), self._string(exe.build_id or "")
        known = (uint(has, 1) for has in (7, 8, 9, 10))  # functions, files, lines, inlined frames
        return message(3, uint(1, number), uint(3, -1), uint(5, path), uint(6, build_id), *known)

    def _facts(self, engine: Engine, selection: Selection) -> Iterator[bytes]:
        start, end = selection.span(engine)
        names = [m.name for m in self._measures]
        yield uint(7, self._string(_DROP))
        yield uint(9, Clock.of(engine.recording.manifest).wall(start))
        yield uint(10, end - start)
        for comment in _comments(engine, names):
            yield uint(13, self._string(comment))
        yield uint(14, self._string("park" if "park" in names else "goroutine"))


def _comments(engine: Engine, names: list[str]) -> Iterator[str]:
    """What pprof prints above every listing."""
    plan = engine.recording.manifest.plan
    yield f"gtrace recording {engine.recording.path}, plan {plan}"
    if missing := ", ".join(_samples.MEASURES.keys() - set(names) - {"syscall"}):
        yield f"not known with plan {plan}: {missing}"
    if "cpu" in names and "syscall" not in names:
        yield f"cpu includes system calls, which plan {plan} does not watch"
    for row in engine.rows("SELECT description FROM health WHERE severity = 'warning'"):
        yield f"note: {row['description']}"
