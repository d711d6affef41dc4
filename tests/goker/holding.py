"""Why a blocked goroutine counts as one that may go on: what refers to what it waits on."""

from __future__ import annotations

import bisect
import subprocess
from collections import deque
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

import toolchains
from gtrace_rec.goruntime import open_binary, reach
from gtrace_rec.goruntime.heap import Graph, read_words
from gtrace_rec.goruntime.process import GoProcess
from gtrace_rec.goruntime.reader import take_snapshot

VERSION = toolchains.NEWEST
_HEAP = 1 << 30


class _Traced(Graph):
    """Remembers from where each object was reached, and in which round of marking."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.rounds: list[NDArray[np.int64]] = []
        self.round = np.full(self.size, -1)
        made.append(self)

    def mark(self, reached: NDArray[np.bool_], roots: NDArray[np.int64]) -> None:
        super().mark(reached, roots)
        self.round[reached & (self.round < 0)] = len(self.rounds)
        self.rounds.append(roots)

    def way_to(self, target: int) -> list[int]:
        """The objects from one that is referred to from outside the heap to `target`."""
        roots = set(self.rounds[self.round[target]].tolist())
        via: dict[int, int | None] = {target: None}
        front = deque([target])
        while front:
            at: int | None = front.popleft()
            if at in roots:
                way = []
                while at is not None:
                    way.append(at)
                    at = via[at]
                return way
            edges = np.flatnonzero(self._target == at)
            sources = np.unique(np.searchsorted(self._begin, edges, "right") - 1)
            known = (self.round[sources] >= 0) & (self.round[sources] <= self.round[target])
            for source in sources[known & ~self.opaque[sources]].tolist():
                if source not in via:
                    via[source] = at
                    front.append(source)
        return []


made: list[_Traced] = []
_one_at_a_time = Lock()


class Holding:
    """Tells it of the processes of one stripped binary; `twin` is the same with its symbols."""

    def __init__(self, binary: Path, twin: Path) -> None:
        self.path = binary
        self._binary, self._twin = open_binary(binary), open_binary(twin)

    def explain(self, pid: int) -> dict[int, str]:
        """For each blocked goroutine that may go on: from where what it waits on is referred to."""
        process = GoProcess(pid, self._binary)
        snapshot = take_snapshot(process)
        with _one_at_a_time, patch.object(reach, "Graph", _Traced):
            verdicts = reach.find_unreachable(process, snapshot, _HEAP)
            graph = made[-1]
            made.clear()
        told = {}
        for i in np.flatnonzero(verdicts == 0).tolist():
            _, waits_on = snapshot.waits_on(np.array([i]))
            ways = [self._told(process, graph, address) for address in waits_on.tolist()]
            told[int(snapshot.rows["goid"][i])] = min(
                filter(None, ways), key=len, default="it moved"
            )
        return told

    def _told(self, process: GoProcess, graph: _Traced, address: int) -> str:
        inside, objects = graph.spans.objects_at(np.array([address], np.uint64))
        if not len(inside):
            return "no object of the heap"
        if graph.round[objects[0]] < 0:
            return ""
        way = graph.way_to(int(objects[0]))
        sizes = "".join(f" → {graph.spans.elemsize[self._span(graph, at)]} B" for at in way)
        return self._outside(process, graph, way[0]) + sizes

    def _span(self, graph: _Traced, at: int) -> int:
        return int(np.searchsorted(graph.spans.first, at, "right")) - 1

    def _outside(self, process: GoProcess, graph: _Traced, at: int) -> str:
        kind = int(graph.round[at])
        if kind == 1:
            return "a finalizer"
        if kind > 1:
            return "the stack of another that may go on"
        spans, span = graph.spans, self._span(graph, at)
        start = int(spans.start[span]) + (at - int(spans.first[span])) * int(spans.elemsize[span])
        roots = reach._roots(process)
        bounds = roots.start[:2] & ~np.uint64(7), roots.end[:2] & ~np.uint64(7)
        words, places = read_words(process, *bounds)
        refers = places[(words >= start) & (words < start + int(spans.elemsize[span]))]
        return ", ".join(sorted({f"`{self._variable(place)}`" for place in refers.tolist()}))

    def _variable(self, address: int) -> str:
        assert self._binary.mheap
        assert self._twin.mheap
        there = address - self._binary.mheap + self._twin.mheap  # what is before them differs
        return self._symbols[bisect.bisect(self._symbols, (there, "~")) - 1][1]

    @cached_property
    def _symbols(self) -> list[tuple[int, str]]:
        command = [toolchains.toolchain(VERSION), "tool", "nm", "-n", self._twin.path]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        fields = [line.split() for line in lines.splitlines()]
        return sorted((int(f[0], 16), f[2]) for f in fields if len(f) > 2 and f[1] in "DdBbRr")
