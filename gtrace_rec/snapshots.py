"""Snapshots as part of a recording: when they are taken, and how they are written down."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from gtrace_rec import procfs, signals
from gtrace_rec._errors import GoneError, GtraceError, TargetError
from gtrace_rec.dataset import Dataset
from gtrace_rec.goruntime.process import GoProcess
from gtrace_rec.goruntime.reach import UnsearchedError, find_unreachable
from gtrace_rec.goruntime.reader import GoroutineReader
from gtrace_rec.goruntime.referrers import find_referrers
from gtrace_rec.goruntime.snapshot import Snapshot
from gtrace_rec.programs import Program, Watched
from gtrace_rec.stacks import StackTable

_IN_A_HURRY = "a signal asked to end sooner"


class Snapshots:
    """Takes snapshots of the processes being recorded into its dataset.

    `interval_ns` is the time between two of them, 0 for none but those that are asked for; more if
    they take more than half of it, so that the target's memory is left alone as long again. Heaps
    of up to `heap_limit` bytes are searched for goroutines that nothing can wake, as long as
    nobody asks to stop; `unsearched` says of which the last time they were not, by pid, and why.
    """

    def __init__(
        self, dataset: Dataset, stacks: StackTable, *, depth: int, interval_ns: int, heap_limit: int
    ) -> None:
        self._dataset = dataset
        self._stacks = stacks
        self._depth = depth
        self._interval = interval_ns
        self._heap_limit = heap_limit
        self._next = 0
        self._readers: dict[int, GoroutineReader] = {}
        self.taken = 0
        self.unsearched: dict[int, str] = {}

    def due(self, now: int) -> bool:
        """It is time for the next one."""
        return self._interval > 0 and now >= self._next

    def take(
        self,
        targets: Sequence[tuple[Program, Watched]],
        now: int,
        between: Callable[[], None],
        *,
        search: bool = True,
        before_search: Callable[[], object] = lambda: None,
        last: bool = False,
    ) -> list[Snapshot]:
        """Read all goroutines of these processes; one that has ended has none.

        Memory is searched if settings say so and `search` does; `before_search` is called first.
        `between` is called every few milliseconds, so that the rings do not fill meanwhile.
        Raises GtraceError's children where a running process cannot be read, and of the `last` one
        TargetError if somebody asks to stop.
        """

        def read_on() -> None:
            if last and signals.stop_wanted():
                raise TargetError(_IN_A_HURRY)
            between()

        self._next = now + self._interval
        self.unsearched.clear()
        if not targets:
            return []
        found = []
        for program, watched in targets:
            if watched.load_bias is None:
                continue
            selection = program.probes.selection
            keeps = selection.keeps if selection.choice.is_part else None
            try:
                reader = self._reader(program, watched)
                snapshot = reader.take(read_on, keeps)
            except GoneError:
                continue
            except GtraceError:
                if procfs.is_alive(watched.pid, watched.ticks):
                    raise
            else:
                found.append((program, watched, reader.process, snapshot))
        if search and self._heap_limit:
            before_search()
            for _, watched, process, snapshot in found:
                self._search(watched, process, snapshot, between)
        for program, _, _, snapshot in found:
            self._write(program, snapshot)
        self.taken += 1
        ended = time.monotonic_ns()
        self._next = max(self._next, ended + (ended - now))
        return [snapshot for *_, snapshot in found]

    def _search(
        self,
        watched: Watched,
        process: GoProcess,
        snapshot: Snapshot,
        between: Callable[[], None],
    ) -> None:
        def go_on() -> None:
            if signals.stop_wanted():
                raise UnsearchedError(_IN_A_HURRY)
            between()

        try:
            snapshot.unreachable = find_unreachable(process, snapshot, self._heap_limit, go_on)
            snapshot.refers = find_referrers(process, snapshot, go_on)
        except UnsearchedError as e:
            if snapshot.unreachable is None:
                self.unsearched[watched.pid] = str(e)
        except GoneError:
            pass  # it could be read, but not searched
        except GtraceError:
            if procfs.is_alive(watched.pid, watched.ticks):
                raise

    def _reader(self, program: Program, watched: Watched) -> GoroutineReader:
        if watched.pid not in self._readers:
            process = GoProcess(watched.pid, program.binary, watched.load_bias or 0)
            self._readers[watched.pid] = GoroutineReader(process, self._depth)
        return self._readers[watched.pid]

    def _write(self, program: Program, snapshot: Snapshot) -> None:
        exe, binary = program.number, program.binary
        ids = [self._stacks.intern(exe, binary, pcs) for pcs in snapshot.stacks]
        for column in ("gopc", "startpc"):
            pcs = np.unique(snapshot.rows[column])
            self._stacks.symbolize(exe, binary, pcs[pcs != 0].tolist())
        stacks, symbols = self._stacks.take_new()
        self._dataset.append("stacks", stacks)
        self._dataset.append("symbols", symbols)
        self._dataset.append("goroutines", snapshot.batch(self.taken, ids))
