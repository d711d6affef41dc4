"""Puts probes on and takes them off, in the windows that `--max-overhead` leaves.

`windows` decides when; here that is measured, and done.
"""

from __future__ import annotations

import os
import time

from gtrace_rec import procfs
from gtrace_rec.eventlog import EventLog
from gtrace_rec.probecost import Cost, ProbeCost
from gtrace_rec.programs import Program
from gtrace_rec.ring import Gap
from gtrace_rec.roster import Roster
from gtrace_rec.settings import Settings
from gtrace_rec.windows import Usage, Windows


class DutyCycle:
    """The windows of a recording: measures what they cost, opens and closes them.

    Raises HostError if the kernel does not count what probes cost.
    """

    def __init__(self, limit: float, settings: Settings, roster: Roster, log: EventLog) -> None:
        """`limit` is the share of the target's processor time that may be spent."""
        self._limit = limit
        self._settings = settings
        self._roster = roster
        self._log = log
        self._probe_cost = ProbeCost()
        self._windows: Windows | None = None
        self._cost = Cost(0, 0)
        self._before = (time.monotonic_ns(), self._target_cpu())
        self._unseen_from = 0  # while probes are off: what no gap tells of yet begins here

    def loaded(self, program: Program) -> None:
        """The first program, whose probes tell what a trap costs here."""
        if self._windows is None:
            trap_ns = program.probes.trap_ns()
            self._windows = Windows(self._limit, trap_ns, os.cpu_count() or 1)

    def begun(self, now: int) -> None:
        """Recording began at `now`, with the probes on."""
        if self._windows:
            before, work = self._before
            self._windows.learn(now - before, self._target_cpu() - work)
            self._windows.begin(self._usage(now))

    @property
    def on(self) -> bool:
        """Probes are on."""
        return self._windows is None or self._windows.on

    def due(self, now: int) -> bool:
        """It is time to look at what was spent."""
        return self._windows is not None and self._windows.due(now)

    def look(self, now: int) -> bool:
        """Open or close a window where what was spent says so; True if one was opened."""
        if self._windows is None:
            return False
        if self._windows.on:
            costs = [p.probes.cost() for p in self._roster.programs]
            self._cost = Cost(sum(c.hits for c in costs), sum(c.ns for c in costs))
        on = self._windows.look(self._usage(now))
        if self._windows.on and not on:
            self._close(self._windows)
        return on and not self._windows.on and self.open()

    def _usage(self, now: int) -> Usage:
        return Usage(
            ts=now,
            probes=self._cost,
            target_cpu=self._target_cpu(),
            recorder_cpu=procfs.cpu_ns(),
        )

    def _target_cpu(self) -> int:
        """Processor time of what is recorded, or is yet to be."""
        pids = {w.pid for w in self._roster.alive} or {
            *self._settings.pid,
            *(pid for exe in self._settings.exe for pid in procfs.processes_of(str(exe))),
        }
        return sum(map(procfs.processor_ns, pids))

    def _close(self, windows: Windows) -> None:
        now = self._unseen_from = time.monotonic_ns()
        for program in self._roster.programs:
            program.stop_at(now)
            while program.drain():
                self._log.write(program)
            self._log.write(program)
        windows.closed(now)

    def open(self) -> bool:
        """Put the probes on again; False where nothing is left to put them on."""
        if self._windows is None or not self._roster.attach_again():
            return False
        now = time.monotonic_ns()
        self.note_pause(now)
        for program in self._roster.programs:
            program.seen = None
            program.start_at(now)
        self._windows.opened(now)
        self._log.resume()
        return True

    def note_pause(self, now: int) -> None:
        """While probes are off: write down what was not seen, up to now."""
        self._log.append_gaps([Gap(None, None, self._unseen_from, now, "probes off", None)])
        self._unseen_from = now

    @property
    def count(self) -> int:
        """How many windows there were."""
        return self._windows.count if self._windows else 1

    def seen_ns(self, now: int) -> int:
        """How long probes have been on."""
        return self._windows.seen_ns(now) if self._windows else 0

    def describe(self, now: int, elapsed: int) -> list[str]:
        """What came of it until `now`, in a sentence."""
        return self._windows.describe(now, elapsed) if self._windows else []

    def close(self) -> None:
        """Let the kernel count no more."""
        self._probe_cost.close()
