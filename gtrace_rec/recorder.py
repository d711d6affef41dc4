"""A recording from beginning to end: drains the rings, and takes stock once a second."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gtrace_rec import procfs
from gtrace_rec._errors import GoneError, GtraceError, TargetError, UsageError
from gtrace_rec.counting import Counting
from gtrace_rec.dataset import Dataset
from gtrace_rec.duty import DutyCycle
from gtrace_rec.eventlog import EventLog
from gtrace_rec.goruntime.snapshot import Snapshot
from gtrace_rec.limits import Governor
from gtrace_rec.loader import ALL_PROCESSES, LoadOptions
from gtrace_rec.plan import Plan
from gtrace_rec.programs import Program, Watched
from gtrace_rec.quantities import Size
from gtrace_rec.ring import Gap
from gtrace_rec.roster import Roster
from gtrace_rec.schema import HEALTH, ClockAnchor, Manifest, Totals
from gtrace_rec.selection import Choice, describe
from gtrace_rec.settings import Settings
from gtrace_rec.snapshots import Snapshots
from gtrace_rec.stacks import StackTable
from gtrace_rec.stock import Stock, totals

_SECOND = 1_000_000_000
_IDLE_S = 0.02
_IDLE_OFF_S = 0.05  # with no probes on


@dataclass
class Status:
    """How the recording stands, for whoever shows it."""

    elapsed_ns: int = 0
    events: int = 0
    events_per_s: float = 0.0
    lost: int = 0
    live: int | None = None
    bytes: int = 0


class Recorder:
    """Records processes into a dataset. Call add(), then pump() until done, then stop()."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self.settings = settings
        self._plan = Plan[settings.plan.upper()]
        self.status = Status()
        self.dataset = Dataset(path, reserve=settings.rotate_size // 8)
        self._stacks = StackTable()
        self._identity = procfs.this_recorder()
        self._host = procfs.this_host()
        self._started_ts: int | None = None
        self._last_tick = self._last_anchor = 0
        self._anchors: list[ClockAnchor] = []
        self._stock = Stock()
        self._counting = Counting()
        self._snapshots = Snapshots(
            self.dataset,
            self._stacks,
            depth=settings.stack_depth,
            interval_ns=settings.snapshot_ns,
            heap_limit=settings.snapshot_heap,
        )
        self._notes: list[str] = list(describe(self._choice))
        self._governor = Governor(
            cpu=float(settings.max_cpu) if settings.max_cpu else None,
            memory=settings.max_memory,
            drop_first=settings.drop_first,
            max_events=settings.max_events or 0,
        )
        self._roster = Roster(self._plan, self._load_options(), self._stacks)
        self._log = EventLog(
            self.dataset, self._stacks, self._roster, self._counting, settings.rotate_size
        )
        self._duty: DutyCycle | None = None
        if settings.max_overhead:
            self._duty = DutyCycle(float(settings.max_overhead), settings, self._roster, self._log)
        self._detached_ts = 0

    def serve_metrics(self) -> None:
        """Begin to serve Prometheus metrics, if settings say so.

        Raises UsageError if the address cannot be listened at.
        """
        if self.settings.metrics:
            from gtrace_rec.metrics import Metrics

            self._counting.metrics = Metrics(self.settings, self._roster.go_statement)
            self._counting.metrics.serve(self.settings.metrics)

    @property
    def _choice(self) -> Choice:
        s = self.settings
        return Choice(s.sample, s.include, s.exclude)

    def _load_options(self) -> LoadOptions:
        s = self.settings
        return LoadOptions(
            s.ring_size, s.stack_depth, choice=self._choice, limited=self._governor.limited
        )

    # -- what is recorded ---------------------------------------------------------------------

    def add(self, pid: int) -> None:
        """Begin to record the running process `pid`, if that is not done already.

        Raises GtraceError's children if it cannot be recorded.
        """
        if pid in self._roster.watched:
            return
        path = procfs.exe_path(pid)
        program = self.load(path)
        watched = self._roster.watch(pid, program)
        program.probes.attach(pid, path)
        watched.started_ts = program.start_at(time.monotonic_ns())
        self._begun(watched.started_ts)
        self._begin_from([watched])

    def add_launched(self, pid: int, path: str, argv: list[str]) -> None:
        """Begin to record `pid`, which is yet to become the program at `path`.

        Raises GtraceError's children if it cannot be recorded.
        """
        program = self.load(path)
        watched = self._roster.expect(pid, program, argv)
        program.probes.attach(pid, path)
        self._begun(watched.started_ts)

    def launched(self, pid: int) -> None:
        """A launched process has become its program by now: find where it was loaded."""
        self._roster.launched(pid)

    def follow(self, path: str) -> None:
        """Record every process of the binary at `path`, those that start later too.

        Raises GtraceError's children if it cannot be recorded.
        """
        program = self.load(path)
        if self._roster.follows(program):
            return
        self._roster.follow(program)
        for pid in procfs.processes_of(path):
            with contextlib.suppress(GoneError):  # it just ended; others may come
                self._roster.watch(pid, program)
        program.probes.attach(ALL_PROCESSES, path)
        now = program.start_at(time.monotonic_ns())
        own = [w for w in self._roster.watched.values() if w.exe == program.number]
        for watched in own:
            watched.started_ts = now
        self._begun(now)
        self._begin_from(own)

    def _begun(self, now: int) -> None:
        if self._started_ts is None:
            self._started_ts = self._last_tick = self._log.rotated_ts = now
            self._stock.begin()
            if self._duty:
                self._duty.begun(now)
        self.dataset.write_manifest(self._manifest(now))

    def load(self, path: str) -> Program:
        """Make ready to record the binary at `path`, which takes a second or two.

        Raises GtraceError's children if it cannot be recorded.
        """
        known = len(self._roster.programs)
        program = self._roster.load(path)
        if len(self._roster.programs) > known:
            self._loaded(program)
        return program

    def _loaded(self, program: Program) -> None:
        self._check_memory()
        if self._governor.limited:
            program.probes.set_control(self._governor.control)
        if self._duty:
            self._duty.loaded(program)

    def _check_memory(self) -> None:
        limit, used = self.settings.max_memory, procfs.resident_bytes()
        if limit is not None and used > limit:
            raise UsageError(
                f"--max-memory {Size.text(limit)}: the recorder takes {used >> 20}M before it has "
                "recorded anything; allow it more"
            )

    # -- the stream of events -----------------------------------------------------------------

    def pump(self) -> bool:
        """Take what the rings hold and write what is due; True if there is more waiting."""
        busy = self._take_events()
        now = time.monotonic_ns()
        if self._duty and self._duty.due(now) and not self._detached_ts and self._duty.look(now):
            self._begin_from(self._roster.alive)
        if self._snapshots.due(now) and self._probes_on:
            self._take_snapshot_or_note("a snapshot is missing")
        return busy

    def _take_events(self) -> bool:
        busy = False
        for program in self._roster.programs:
            if program.drain():
                busy = True
                self._log.write(program)
        now = time.monotonic_ns()
        if now - self._last_tick >= _SECOND:
            self._tick(now)
        return busy

    @property
    def idle_s(self) -> float:
        """How long to wait where pump() found nothing to do."""
        return _IDLE_S if self._probes_on else _IDLE_OFF_S

    @property
    def _probes_on(self) -> bool:
        return self._duty is None or self._duty.on

    # -- snapshots ----------------------------------------------------------------------------

    def _begin_from(self, watched: Iterable[Watched]) -> None:
        """Take the first snapshot of processes, whose probes are on by now.

        So nothing that happens from here on is missed; what happened before a goroutine was read
        is in the snapshot, too, and told from what comes after by its time. Where probes are to be
        on for a while only, no time is to be lost with searching memory.
        """
        with self._counting.after_snapshot():
            for snapshot in self._take_snapshot(watched, search=self._duty is None):
                self._counting.lives.begin(snapshot)

    def _take_snapshot(
        self,
        watched: Iterable[Watched],
        *,
        search: bool = True,
        last: bool = False,
    ) -> list[Snapshot]:
        taken = self._snapshots.take(
            [(self._roster.program_of(w), w) for w in watched if w.ended_ts is None],
            time.monotonic_ns(),
            self._take_events_meanwhile,
            search=search,
            before_search=self._detach if last else lambda: None,
            last=last,
        )
        if metrics := self._counting.metrics:
            for snapshot in taken:
                metrics.snapshot(snapshot, self._roster.watched[snapshot.pid].load_bias or 0)
        return taken

    def _take_events_meanwhile(self) -> None:
        if not self.dataset.full:  # or they would lie behind a hole
            self._take_events()

    def _take_snapshot_or_note(self, otherwise: str, *, last: bool = False) -> None:
        try:
            with self._counting.after_snapshot():
                taken = self._take_snapshot(self._roster.alive, last=last)
                if self._plan is Plan.SNAPSHOT:
                    self._counting.lives.count = sum(map(len, taken))  # no events tell
        except TargetError as e:
            self._notes.append(f"{otherwise}: {e}")

    # -- once a second ------------------------------------------------------------------------

    def _tick(self, now: int) -> None:
        for program in self._roster.programs:
            if self._plan is Plan.SNAPSHOT and self._roster.follows(program):
                self._roster.adopt(program, procfs.processes_of(program.path))
            self._log.write(program)
        self._notes += self._roster.check_launched()
        if self._duty and not self._duty.on:
            self._duty.note_pause(now)
        self._append_health(now)
        if now - self._last_anchor >= 10 * _SECOND:
            self._anchors.append(procfs.clock_anchor())
            self._last_anchor = now
        if now - self._log.rotated_ts >= self.settings.rotate_every:
            self._log.rotate(now)
        self.dataset.collect_parts()
        for pid in self._roster.notice_exits(now):
            if self._counting.metrics:
                self._counting.metrics.ended(pid)
        self.dataset.write_manifest(self._manifest(now))
        self._last_tick = now

    def _append_health(self, now: int) -> None:
        row, readings = self._stock.take(
            now,
            self._roster.programs,
            self._totals(),
            bytes_written=self.dataset.bytes_written,
            seen_ns=self._seen_ns(now),
            live=self._counting.live,
        )
        self._log.append_rows("health", [tuple(row[name] for name in HEALTH.names)], HEALTH)
        span = max(now - self._last_tick, 1)
        if row["dropped_kinds"]:
            lost = row["dropped_kinds"]
            self._log.append_gaps([Gap(None, None, self._last_tick, now, "recorder limits", lost)])
        self._keep_to_limits(row["cpu_ns"] / span, row["rss_bytes"], row["events"] * _SECOND / span)
        if self._counting.metrics:
            self._counting.metrics.publish(readings)
        self.status = Status(
            elapsed_ns=now - (self._started_ts or now),
            events=readings.totals.events,
            events_per_s=row["events"] * _SECOND / span,
            lost=readings.totals.lost_ring,
            live=readings.live,
            bytes=self.dataset.bytes_written,
        )

    def _keep_to_limits(self, cpu: float, rss: int, events_per_second: float) -> None:
        governor = self._governor
        before = governor.control
        changed = governor.look(cpu, rss, events_per_second)
        if changed:
            elapsed = (time.monotonic_ns() - (self._started_ts or 0)) / _SECOND
            self._notes.append(f"after {elapsed:.0f} s: {changed}")
        if governor.control != before:
            for program in self._roster.programs:
                program.probes.set_control(governor.control)

    def _seen_ns(self, now: int) -> int:
        """How long all events have been recorded."""
        if self._plan is Plan.SNAPSHOT or self._started_ts is None:
            return 0
        now = min(now, self._detached_ts or now)
        return self._duty.seen_ns(now) if self._duty else now - self._started_ts

    def _totals(self) -> Totals:
        return totals(
            self._roster.programs,
            disk_bytes=self.dataset.disk_bytes,
            stacks=len(self._stacks),
            snapshots=self._snapshots.taken,
            windows=self._duty.count if self._duty else 1,
            seen_ns=self._seen_ns(time.monotonic_ns()) if self._duty else None,
        )

    @property
    def out_of_memory(self) -> bool:
        """The recorder uses more than it may, and has nothing left to leave out."""
        return self._governor.must_stop

    @property
    def finished(self) -> bool:
        """All processes are gone, and no more are waited for."""
        return self._roster.finished

    # -- the end ------------------------------------------------------------------------------

    def exited(self, pid: int, status: int) -> None:
        """A launched process ended, with `status` as in subprocess.Popen.returncode."""
        watched = self._roster.watched[pid]
        watched.ended_ts = time.monotonic_ns()
        watched.exit_status = status

    def stop(self, reason: str) -> Manifest:
        """Detach, drain what is left, and complete the dataset.

        Raises OSError if the disk refuses; what was recorded stays readable.
        """
        with contextlib.suppress(OSError):  # while the probes are on: nothing lies between
            if self._duty and not self._duty.on:
                self._open_last_window(self._duty)
            self._find_new_processes()
            self._take_snapshot_or_note("no snapshot at the end", last=True)
        self._notes += [
            f"pid {pid}: memory was not searched for goroutines that nothing can wake: {why}"
            for pid, why in self._snapshots.unsearched.items()
        ]
        stopped = self._detach()
        if self._duty:
            self._notes += self._duty.describe(stopped, stopped - (self._started_ts or stopped))
        try:
            if not self.dataset.full:
                self._drain_all()
            self._anchors.append(procfs.clock_anchor())
            if self.dataset.full:
                # Nothing was appended since, so what is on disk is all there was up to a moment.
                self._notes.append(
                    "the disk was full: the last events of the recording are missing"
                )
            self.dataset.finish()
        finally:
            manifest = dataclasses.replace(
                self._manifest(stopped), stopped_ts=stopped, stop_reason=reason
            )
            self.dataset.write_manifest(manifest)
        return manifest

    def _find_new_processes(self) -> None:
        """From their events, which are in the rings by now."""
        if not self.dataset.full:
            for program in self._roster.programs:
                program.drain()
                self._log.write(program)

    def _open_last_window(self, duty: DutyCycle) -> None:
        """So that a recording ends with what there was at its end."""
        with contextlib.suppress(GtraceError):
            duty.open()
        if not duty.on:
            duty.note_pause(time.monotonic_ns())

    def _detach(self) -> int:
        """Take all probes off for good; returns when that was, the first time."""
        if not self._detached_ts:
            self._detached_ts = time.monotonic_ns()
            for program in self._roster.programs:
                program.stop_at(self._detached_ts)
        return self._detached_ts

    def _drain_all(self) -> None:
        with contextlib.suppress(OSError):
            while self.pump():
                pass
            for program in self._roster.programs:
                self._log.write(program)
                self._log.append_gaps(program.probes.pending_gaps())
            self._append_health(time.monotonic_ns())

    def close(self) -> None:
        """Free the BPF programs, and answer no more scrapes."""
        if self._counting.metrics:
            self._counting.metrics.close()
        for program in self._roster.programs:
            program.probes.close()
        if self._duty:
            self._duty.close()

    def _manifest(self, now: int) -> Manifest:
        return Manifest(
            host=self._host,
            recorder=self._identity,
            plan=self.settings.plan,
            options=self.settings.as_manifest(),
            exes=[p.as_manifest() for p in self._roster.programs],
            processes=[w.as_manifest() for w in self._roster.watched.values()],
            clock=self._anchors,
            started_ts=self._started_ts or now,
            flushed_ts=now,
            parts=self.dataset.parts,
            totals=self._totals(),
            notes=self._notes,
        )
