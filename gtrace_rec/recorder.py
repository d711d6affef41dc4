"""A recording from beginning to end: drains the rings, and takes stock once a second."""

from __future__ import annotations

import dataclasses
import os
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gtrace_rec import procfs
from gtrace_rec._errors import TargetError
from gtrace_rec.dataset import Dataset
from gtrace_rec.decode import Decoder, split_gaps
from gtrace_rec.goruntime import GoBinary, open_binary
from gtrace_rec.loader import LoadOptions, Probes
from gtrace_rec.plan import KIND_CODES, Plan, Site, find_sites
from gtrace_rec.ring import Block
from gtrace_rec.schema import (
    EVENT_KINDS,
    GAPS,
    HEALTH,
    ClockAnchor,
    Exe,
    Manifest,
    Process,
    Totals,
)
from gtrace_rec.stacks import StackResolver, StackTable

_BLOCK = 1 << 16  # records decoded at a time
_SECOND = 1_000_000_000
_CREATED = [KIND_CODES["create"], KIND_CODES["create_parked"]]


@dataclass(frozen=True)
class RecordOptions:
    """What to record and how to lay it down."""

    plan: Plan = Plan.SCHED
    load: LoadOptions = field(default_factory=LoadOptions)
    rotate_bytes: int = 64 << 20  # of the part in progress, before it turns into Parquet
    rotate_ns: int = 60 * _SECOND

    def as_manifest(self) -> dict[str, Any]:
        """The options as the manifest records them."""
        return {
            "ring_bytes": self.load.ring_bytes,
            "stack_depth": self.load.stack_depth,
            "max_stacks": self.load.max_stacks,
            "stacks_of": sorted(self.load.stacks_of),
            "rotate_bytes": self.rotate_bytes,
            "rotate_ns": self.rotate_ns,
        }


@dataclass
class _Watched:
    """One process being recorded."""

    pid: int
    exe: int
    argv: list[str]
    launched: bool
    ticks: int | None
    started_ts: int
    load_bias: int | None = None
    ended_ts: int | None = None
    exit_status: int | None = None

    def as_manifest(self) -> Process:
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(Process)}
        return Process(**values)


@dataclass
class _Program:
    """One binary being recorded, with its probes and all that reads them."""

    number: int
    path: str
    binary: GoBinary
    sites: list[Site]
    missing: list[str]
    probes: Probes
    decoder: Decoder
    resolver: StackResolver
    biases: dict[int, int] = field(default_factory=dict)
    pending: list[Block] = field(default_factory=list)
    pending_rows: int = 0

    def as_manifest(self) -> Exe:
        b = self.binary
        return Exe(
            exe=self.number,
            path=self.path,
            go_version=b.go_version,
            arch=b.arch,
            build_id=b.build_id,
            settings=dict(b.settings),
            pie=b.pie,
            stripped=b.stripped,
            cgo=b.cgo,
            offsets=dict(b.offsets),
            offsets_source=b.offsets.source,
            wait_reasons=list(b.wait_reasons),
            probes=[s.probe(attached=True) for s in self.sites],
            missing=self.missing,
        )


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

    def __init__(self, path: Path, options: RecordOptions) -> None:
        self.options = options
        self.status = Status()
        self.dataset = Dataset(path, reserve=options.rotate_bytes // 8)
        self._stacks = StackTable()
        self._programs: dict[tuple[int, int], _Program] = {}
        self._watched: dict[int, _Watched] = {}
        self._identity = procfs.this_recorder()
        self._host = procfs.this_host()
        self._started_ts = time.monotonic_ns()  # set anew once the probes are on
        self._last_tick = self._started_ts
        self._last_rotation = self._started_ts
        self._last_anchor = 0
        self._anchors: list[ClockAnchor] = []
        self._by_kind: Counter[str] = Counter()
        self._health: Counter[str] = Counter()  # cumulative values as of the last row
        self._live: int | None = 0
        self._snapshots = 0
        self._notes: list[str] = []

    # -- what is recorded ---------------------------------------------------------------------

    def add(self, pid: int, path: str, argv: list[str], *, launched: bool) -> None:
        """Begin to record process `pid`, whose binary is reached by `path`.

        Raises GtraceError's children if it cannot be recorded.
        """
        program = self._program(path)
        watched = _Watched(
            pid, program.number, argv, launched, procfs.start_ticks(pid), time.monotonic_ns()
        )
        if not launched:
            self._find_bias(watched, program)
            self._check_code(watched, program)
            self._live = None
        program.probes.attach(pid, path)
        watched.started_ts = time.monotonic_ns()
        if not self._watched:
            self._started_ts = self._last_tick = self._last_rotation = watched.started_ts
        self._watched[pid] = watched
        self.dataset.write_manifest(self._manifest(watched.started_ts))

    def launched(self, pid: int) -> None:
        """A launched process has become its program by now: find where it was loaded."""
        watched = self._watched[pid]
        self._find_bias(watched, self._by_number(watched.exe))

    def _program(self, path: str) -> _Program:
        try:
            status = os.stat(path)
        except OSError as e:
            raise TargetError(f"{path}: {e.strerror}") from None
        key = (status.st_dev, status.st_ino)
        if key not in self._programs:
            binary = open_binary(path)
            sites, missing = find_sites(binary, self.options.plan)
            probes = Probes(binary, sites, self.options.load)
            number = len(self._programs)
            self._programs[key] = _Program(
                number=number,
                path=os.path.realpath(path),
                binary=binary,
                sites=sites,
                missing=missing,
                probes=probes,
                decoder=Decoder(binary.wait_reasons),
                resolver=StackResolver(number, binary, probes, self._stacks),
            )
        return self._programs[key]

    def _by_number(self, exe: int) -> _Program:
        return next(p for p in self._programs.values() if p.number == exe)

    def _find_bias(self, watched: _Watched, program: _Program) -> None:
        bias = 0 if not program.binary.pie else procfs.load_bias(watched.pid, program.binary.entry)
        watched.load_bias = bias
        if bias is not None:
            program.biases[watched.pid] = bias

    @staticmethod
    def _check_code(watched: _Watched, program: _Program) -> None:
        """Refuse to probe a process whose memory does not hold the instructions of its file."""
        with open(f"/proc/{watched.pid}/mem", "rb", buffering=0) as memory:
            for site in program.sites:
                memory.seek(site.address + (watched.load_bias or 0))
                found = memory.read(len(site.expected))
                # Another tracer's breakpoint may stand in the first byte.
                if found != site.expected and found != b"\xcc" + site.expected[1:]:
                    raise TargetError(
                        f"pid {watched.pid}: at {site.address:#x} ({site.name}) its memory holds "
                        f"{found.hex()}, its file {site.expected.hex()}: it changes its own code, "
                        "which gtrace does not touch; record with --plan snapshot"
                    )

    # -- the stream of events -----------------------------------------------------------------

    def pump(self) -> bool:
        """Take what the rings hold and write what is due; True if there is more waiting."""
        busy = False
        for program in self._programs.values():
            block = program.probes.ring.read(_BLOCK)
            if len(block):
                program.pending.append(block)
                program.pending_rows += len(block)
            if program.pending_rows >= _BLOCK:
                self._write(program)
            busy |= len(block) == _BLOCK
        now = time.monotonic_ns()
        if now - self._last_tick >= _SECOND:
            self._tick(now)
        return busy

    def _write(self, program: _Program) -> None:
        if not program.pending:
            return
        block, gaps = split_gaps(np.concatenate(program.pending))
        program.pending, program.pending_rows = [], 0
        batch = program.decoder.batch(
            block, program.resolver.resolve(block, program.biases), program.biases
        )
        program.resolver.symbolize(batch, np.isin(block["kind"], _CREATED))
        stacks, symbols = self._stacks.take_new()
        self.dataset.append("stacks", stacks)
        self.dataset.append("symbols", symbols)
        self._append_gaps(
            [
                (int(g["pid"]), int(g["cpu"]), int(g["ts"]), int(g["obj"]), int(g["other_goid"]))
                for g in gaps
            ]
        )
        self.dataset.append_events(batch)
        if self.dataset.part_bytes >= self.options.rotate_bytes:
            self._rotate(time.monotonic_ns())
        counts = np.bincount(block["kind"], minlength=len(EVENT_KINDS))
        self._by_kind.update(
            dict(zip((k.name for k in EVENT_KINDS), counts.tolist(), strict=False))
        )

    def _rotate(self, now: int) -> None:
        self.dataset.rotate()
        self._last_rotation = now

    def _append_gaps(self, gaps: list[tuple[int | None, int, int, int, int]]) -> None:
        rows = [(pid, cpu, first, last, "ring full", lost) for pid, cpu, first, last, lost in gaps]
        self._append_rows("gaps", rows, GAPS)

    def _append_rows(self, table: str, rows: list[tuple[Any, ...]], schema: pa.Schema) -> None:
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
        self.dataset.append(
            table,
            pa.RecordBatch.from_arrays(
                [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema
            ),
        )

    # -- once a second ------------------------------------------------------------------------

    def _tick(self, now: int) -> None:
        for program in self._programs.values():
            self._write(program)
        self._append_health(now)
        if now - self._last_anchor >= 10 * _SECOND:
            self._anchors.append(procfs.clock_anchor())
            self._last_anchor = now
        if now - self._last_rotation >= self.options.rotate_ns:
            self._rotate(now)
        self.dataset.collect_parts()
        self._notice_exits(now)
        self.dataset.write_manifest(self._manifest(now))
        self._last_tick = now

    def _append_health(self, now: int) -> None:
        totals = self._totals()
        usage = os.times()
        current = Counter(
            events=totals.events,
            lost_ring=totals.lost_ring,
            lost_stack=totals.lost_stack,
            read_faults=totals.read_faults,
            bytes_written=self.dataset.bytes_written,
            cpu_ns=int((usage.user + usage.system) * _SECOND),
        )
        row: dict[str, Any] = {k: v - self._health[k] for k, v in current.items()}
        self._health = current
        fills = [p.probes.ring.fullest for p in self._programs.values()]
        for program in self._programs.values():
            program.probes.ring.fullest = 0.0
        live = self._live_goroutines()
        row |= {
            "ts": now,
            "ring_fill": max(fills, default=0.0),
            "rss_bytes": procfs.resident_bytes(),
            "live_goroutines": live,
            "probes_on": any(p.probes.attached for p in self._programs.values()),
        }
        self._append_rows("health", [tuple(row[name] for name in HEALTH.names)], HEALTH)
        span = max(now - self._last_tick, 1)
        self.status = Status(
            elapsed_ns=now - self._started_ts,
            events=totals.events,
            events_per_s=row["events"] * _SECOND / span,
            lost=totals.lost_ring,
            live=live,
            bytes=self.dataset.bytes_written,
        )

    def _live_goroutines(self) -> int | None:
        if self._live is None:
            return None
        born = self._by_kind["create"] + self._by_kind["create_parked"]
        return self._live + born - self._by_kind["exit"]

    def _totals(self) -> Totals:
        losses = [p.probes.losses() for p in self._programs.values()]
        by_kind: Counter[str] = Counter()
        for loss in losses:
            by_kind.update(loss.lost_by_kind)
        return Totals(
            events=self._by_kind.total(),
            by_kind={k: v for k, v in self._by_kind.items() if v},
            lost_ring=by_kind.total(),
            lost_by_kind=dict(by_kind),
            lost_stack=sum(x.lost_stack for x in losses)
            + sum(p.resolver.lost for p in self._programs.values()),
            read_faults=sum(x.read_faults for x in losses),
            bytes=self.dataset.disk_bytes,
            stacks=len(self._stacks),
            snapshots=self._snapshots,
        )

    def _notice_exits(self, now: int) -> None:
        for w in self._watched.values():
            if w.ended_ts is None and not procfs.is_alive(w.pid, w.ticks):
                w.ended_ts = now
                self._by_number(w.exe).probes.detach(w.pid)

    @property
    def disk_full(self) -> bool:
        """There is room left to end the recording well, and for no more."""
        return self.dataset.full

    @property
    def finished(self) -> bool:
        """All processes are gone."""
        return all(w.ended_ts is not None for w in self._watched.values())

    # -- the end ------------------------------------------------------------------------------

    def exited(self, pid: int, status: int) -> None:
        """A launched process ended, with `status` as in subprocess.Popen.returncode."""
        watched = self._watched[pid]
        watched.ended_ts = time.monotonic_ns()
        watched.exit_status = status

    def stop(self, reason: str) -> Manifest:
        """Detach, drain what is left, and complete the dataset.

        Raises OSError if the disk refuses; what was recorded stays readable.
        """
        for program in self._programs.values():
            program.probes.detach()
        stopped = time.monotonic_ns()
        self.dataset.give_up_reserve()
        try:
            self._drain_all()
            self._append_health(time.monotonic_ns())
            self._anchors.append(procfs.clock_anchor())
            self.dataset.finish()
        finally:
            manifest = dataclasses.replace(
                self._manifest(stopped), stopped_ts=stopped, stop_reason=reason
            )
            self.dataset.write_manifest(manifest)
        return manifest

    def _drain_all(self) -> None:
        try:
            while self.pump():
                pass
            for program in self._programs.values():
                self._write(program)
                self._append_gaps([(None, *gap) for gap in program.probes.pending_gaps()])
        except OSError as e:
            # Nothing is appended after this, so what is on disk is all there was up to a moment.
            self._notes.append(f"{e.strerror}: the last events of the recording are missing")

    def close(self) -> None:
        """Free the BPF programs."""
        for program in self._programs.values():
            program.probes.close()

    def _manifest(self, now: int) -> Manifest:
        return Manifest(
            host=self._host,
            recorder=self._identity,
            plan=str(self.options.plan),
            options=self.options.as_manifest(),
            exes=[p.as_manifest() for p in self._programs.values()],
            processes=[w.as_manifest() for w in self._watched.values()],
            clock=self._anchors,
            started_ts=self._started_ts,
            flushed_ts=now,
            parts=self.dataset.parts,
            totals=self._totals(),
            notes=self._notes,
        )
