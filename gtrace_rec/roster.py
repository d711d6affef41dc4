"""The programs and processes of a recording: found, checked, probed, and noticed when they end."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator

from gtrace_rec import procfs
from gtrace_rec._errors import HostError, TargetError, UnsupportedGoError
from gtrace_rec.goruntime import Frame, open_binary
from gtrace_rec.loader import ALL_PROCESSES, LoadOptions
from gtrace_rec.plan import Plan
from gtrace_rec.programs import Program, Watched
from gtrace_rec.stacks import StackTable


class Roster:
    """Programs by their file, processes by their pid. Those that ended stay on it."""

    def __init__(self, plan: Plan, options: LoadOptions, stacks: StackTable) -> None:
        self._plan = plan
        self._options = options
        self._stacks = stacks
        self._by_file: dict[tuple[int, int], Program] = {}
        self._followed: set[int] = set()  # programs whose every process is recorded
        self._unchecked: list[Watched] = []
        self.watched: dict[int, Watched] = {}

    @property
    def programs(self) -> list[Program]:
        """Those that were loaded, by their numbers."""
        return list(self._by_file.values())

    @property
    def alive(self) -> list[Watched]:
        """The processes that are not known to have ended."""
        return [w for w in self.watched.values() if w.ended_ts is None]

    @property
    def finished(self) -> bool:
        """All processes are gone, and no more are waited for."""
        return not self._followed and not self.alive

    def program_of(self, watched: Watched) -> Program:
        """The program that a process runs."""
        return self.programs[watched.exe]

    def load(self, path: str) -> Program:
        """Make ready to record the binary at `path`, which takes a second or two the first time.

        Raises GtraceError's children if it cannot be recorded.
        """
        try:
            status = os.stat(path)
        except OSError as e:
            raise TargetError(f"{path}: {e.strerror}") from None
        key = (status.st_dev, status.st_ino)
        if key not in self._by_file:
            binary = open_binary(path)
            if binary.arch != procfs.goarch():
                raise TargetError(
                    f"{path}: built for {binary.arch}, and this machine is {procfs.goarch()}; "
                    "record it where it runs"
                )
            number = len(self._by_file)
            self._by_file[key] = Program(number, binary, self._plan, self._options, self._stacks)
        return self._by_file[key]

    def watch(self, pid: int, program: Program) -> Watched:
        """Take on a running process. Raises GtraceError's children if it cannot be recorded."""
        argv = procfs.argv(pid)
        now = time.monotonic_ns()
        watched = Watched(pid, program.number, argv, False, False, procfs.start_ticks(pid), now)
        program.find_bias(watched)
        program.check_code(watched)
        program.check_offsets(watched)
        self.watched[pid] = watched
        return watched

    def expect(self, pid: int, program: Program, argv: list[str]) -> Watched:
        """Take on a process that is yet to become its program."""
        now = time.monotonic_ns()
        watched = Watched(pid, program.number, argv, True, True, procfs.start_ticks(pid), now)
        self.watched[pid] = watched
        return watched

    def launched(self, pid: int) -> None:
        """It has become its program by now: find where it was loaded."""
        watched = self.watched[pid]
        self.program_of(watched).find_bias(watched)
        self._unchecked.append(watched)

    def follow(self, program: Program) -> None:
        """Take on every process of this program, those that start later too."""
        self._followed.add(program.number)

    def follows(self, program: Program) -> bool:
        """Whether follow() was called."""
        return program.number in self._followed

    def adopt(self, program: Program, pids: Iterable[int]) -> None:
        """Take on processes of a followed program that started since."""
        for pid in pids:
            if pid in self.watched:
                continue
            try:
                argv = procfs.argv(pid)
            except TargetError:
                argv = []  # gone already
            now = time.monotonic_ns()
            watched = Watched(pid, program.number, argv, False, True, procfs.start_ticks(pid), now)
            program.find_bias(watched)
            self.watched[pid] = watched
            self._unchecked.append(watched)

    def attach_again(self) -> bool:
        """Put the probes back on all that live; False where nothing is left to put them on."""
        for program in self.programs:
            if self.follows(program):
                self.adopt(program, procfs.processes_of(program.path))
                program.probes.attach(ALL_PROCESSES, program.path)
        for w in self.alive:
            if w.exe not in self._followed:
                try:
                    self.program_of(w).probes.attach(w.pid, procfs.exe_path(w.pid))
                except HostError:
                    if procfs.is_alive(w.pid, w.ticks):
                        raise
        return any(program.probes.attached for program in self.programs)

    def check_launched(self) -> Iterator[str]:
        """Check the offsets of what was not there before, once it has goroutines; what is wrong."""
        for watched in self._unchecked:
            if watched.load_bias is None:
                continue
            try:
                self.program_of(watched).check_offsets(watched)
            except UnsupportedGoError as e:
                yield f"{e}; nothing in this recording is to be trusted"
            except TargetError:
                continue  # it is gone
        self._unchecked = []

    def notice_exits(self, now: int) -> Iterator[int]:
        """The pids of those that ended since the last call; their probes are off."""
        for w in self.alive:
            if not procfs.is_alive(w.pid, w.ticks):
                w.ended_ts = now
                self.program_of(w).probes.detach(w.pid)
                yield w.pid

    def go_statement(self, pid: int, address: int) -> Frame | None:
        """The place of an address of a running process."""
        watched = self.watched.get(pid)
        if watched is None or watched.load_bias is None:
            return None
        frames = self.program_of(watched).binary.symbolize(address - watched.load_bias)
        return frames[0] if frames else None
