"""Recordings whose content is known by construction.

    b = Recording()
    b.go(7, parent=1, ts=5, at="main.main main.go:12").run(8).park(10, "chan receive", MAIN_F)
    b.go(7).ready(25, by=1)
    b.write(path)

Times are ns from the recording's start. A frame is "function file:line"; frames inlined into one
address are joined by " < ", innermost first. Everything is written by the same schema and in the
same layout as the recorder's.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from gtrace_rec import schema
from gtrace_rec.schema import (
    ClockAnchor,
    Exe,
    Manifest,
    Part,
    Probe,
    Process,
    RecorderProcess,
    Totals,
)

PID = 4242
HOUR = 3600 * 10**9

# What each plan watches; the same names as `gtrace-rec --plan`.
PLANS: dict[str, set[str]] = {
    "snapshot": set(),
    "lifecycle": {"create", "create_parked", "create_syscall", "exit"},
}
PLANS["park"] = PLANS["lifecycle"] | {"park", "ready", "inject", "park_undone", "coro_switch"}
PLANS["sched"] = PLANS["park"] | {"run", "yield", "suspend", "syscall_lost_p"}
PLANS["full"] = PLANS["sched"] | {"syscall_enter", "syscall_exit"}

_RUNTIME_PARK = "runtime.gopark runtime/proc.go:461"
_RUNTIME_PARK_RESUMED = "runtime.gopark runtime/proc.go:462"
_GOEXIT = "runtime.goexit runtime/asm_amd64.s:1700"


class Goroutine:
    """The verbs of one goroutine's life; each returns the goroutine, so that they chain."""

    def __init__(self, recording: Recording, goid: int, pid: int) -> None:
        self._recording = recording
        self._goid = goid
        self._pid = pid

    def _event(self, ts: int, kind: str, **fields: Any) -> Self:
        self._recording.event(ts, kind, self._goid, pid=self._pid, **fields)
        return self

    def create(
        self,
        ts: int,
        parent: int | None = None,
        at: str | None = None,
        start: str | None = None,
        stack: Sequence[str] | None = None,
    ) -> Self:
        """`at` is the frame of the go statement, `start` that of the start function."""
        return self._event(ts, "create", **self._origin(parent, at, start, stack))

    def create_parked(
        self,
        ts: int,
        parent: int | None = None,
        at: str | None = None,
        start: str | None = None,
    ) -> Self:
        return self._event(ts, "create_parked", **self._origin(parent, at, start, None))

    def create_syscall(self, ts: int) -> Self:
        """A thread of C takes it up."""
        return self._event(ts, "create_syscall")

    def _origin(
        self, parent: int | None, at: str | None, start: str | None, stack: Sequence[str] | None
    ) -> dict[str, Any]:
        return {
            "other_goid": parent,
            "pc": self._recording.pc(at),
            "obj": self._recording.pc(start),
            "stack_id": self._recording.stack(stack) if stack else None,
        }

    def run(self, ts: int, tid: int = 1) -> Self:
        return self._event(ts, "run", tid=tid)

    def park(
        self,
        ts: int,
        reason: str,
        stack: Sequence[str] | None = None,
        obj: int | None = None,
        tid: int = 1,
    ) -> Self:
        number = self._recording.stack(_parked(stack)) if stack else None
        caller = self._recording.pc(stack[0]) if stack else None
        return self._event(ts, "park", reason=reason, stack_id=number, pc=caller, obj=obj, tid=tid)

    def ready(self, ts: int, by: int | None = None, stack: Sequence[str] | None = None) -> Self:
        number = self._recording.stack(stack) if stack else None
        return self._event(ts, "ready", other_goid=by, stack_id=number)

    def inject(self, ts: int, by: int | None = None) -> Self:
        return self._event(ts, "inject", other_goid=by)

    def park_undone(self, ts: int) -> Self:
        return self._event(ts, "park_undone")

    def yield_(self, ts: int) -> Self:
        return self._event(ts, "yield")

    def suspend(self, ts: int) -> Self:
        return self._event(ts, "suspend")

    def syscall_enter(self, ts: int, stack: Sequence[str] | None = None) -> Self:
        number = self._recording.stack(stack) if stack else None
        return self._event(ts, "syscall_enter", stack_id=number)

    def syscall_exit(self, ts: int) -> Self:
        return self._event(ts, "syscall_exit")

    def syscall_lost_p(self, ts: int) -> Self:
        return self._event(ts, "syscall_lost_p")

    def coro_switch(self, ts: int, to: int) -> Self:
        return self._event(ts, "coro_switch", other_goid=to)

    def exit(self, ts: int) -> Self:
        return self._event(ts, "exit")


class Recording:
    """A recording under construction."""

    def __init__(self, plan: str = "sched", duration: int = 10**9, pid: int = PID) -> None:
        self.plan = plan
        self.duration = duration
        self.pid = pid
        self.pids = [pid]
        self.rows: list[dict[str, Any]] = []
        self.side: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._pcs: dict[str, int] = {}
        self._stacks: dict[tuple[int, ...], int] = {}
        self._snapshots = 0

    def go(
        self,
        goid: int,
        parent: int | None = None,
        ts: int | None = None,
        at: str | None = None,
        start: str | None = None,
        stack: Sequence[str] | None = None,
        pid: int | None = None,
    ) -> Goroutine:
        """The goroutine of this number; with `ts`, it is created then."""
        if pid is not None and pid not in self.pids:
            self.pids.append(pid)
        goroutine = Goroutine(self, goid, pid or self.pid)
        return goroutine if ts is None else goroutine.create(ts, parent, at, start, stack)

    def event(self, ts: int, kind: str, goid: int, **fields: Any) -> None:
        row = {"ts": ts, "kind": kind, "goid": goid, "pid": self.pid, "tid": 1, "cpu": 0}
        self.rows.append(row | fields)

    def snapshot(self, ts: int, *goroutines: dict[str, Any]) -> Self:
        """One reading of all goroutines; each a dict from `alive()`."""
        for row in goroutines:
            given = dict(row)
            stack = given.pop("stack", None)
            given["stack_id"] = self.stack(_parked(stack, resumed=True)) if stack else None
            given["gopc"] = self.pc(given.pop("at", None))
            given["startpc"] = self.pc(given.pop("start", None))
            self.side["goroutines"].append(
                {"snapshot": self._snapshots, "ts": ts, "pid": self.pid, "certain": True} | given
            )
        self._snapshots += 1
        return self

    def gap(
        self,
        ts: int,
        ts_end: int,
        cause: str = "ring full",
        lost: int | None = None,
        pid: int | None = None,
    ) -> Self:
        row = {"pid": pid, "cpu": None, "ts": ts, "ts_end": ts_end, "cause": cause, "lost": lost}
        self.side["gaps"].append(row)
        return self

    def second(self, ts: int, **fields: Any) -> Self:
        """One row of the recorder's health."""
        counters = {f.name: 0 for f in schema.HEALTH if f.name != "live_goroutines"}
        self.side["health"].append(
            counters | {"ring_fill": 0.0, "probes_on": True} | {"ts": ts} | fields
        )
        return self

    def pc(self, frame: str | None) -> int | None:
        """The address of a frame, which is symbolized at its first use."""
        if frame is None:
            return None
        if frame not in self._pcs:
            address = 0x401000 + 16 * len(self._pcs)
            self._pcs[frame] = address
            inlined = frame.split(" < ")
            for depth, text in enumerate(inlined):
                function, _, place = text.rpartition(" ")
                file, _, line = place.rpartition(":")
                self.side["symbols"].append(
                    {
                        "exe": 0,
                        "pc": address,
                        "depth": depth,
                        "function": function,
                        "file": file,
                        "line": int(line),
                        "inlined": depth + 1 < len(inlined),
                    }
                )
        return self._pcs[frame]

    def stack(self, frames: Sequence[str]) -> int:
        """The number of a stack, innermost frame first."""
        pcs = tuple(self.pc(frame) or 0 for frame in frames)
        if pcs not in self._stacks:
            self._stacks[pcs] = len(self._stacks)
            self.side["stacks"].append({"stack_id": self._stacks[pcs], "exe": 0, "pcs": list(pcs)})
        return self._stacks[pcs]

    def manifest(self, parts: Sequence[Part] = (), **changes: Any) -> Manifest:
        watched = PLANS[self.plan]
        probes = [
            Probe(f"site of {k.name}", k.name, "runtime.x", 0x400000, 0, "e8", "emulated", True)
            for k in schema.EVENT_KINDS
            if k.name in watched
        ]
        exe = Exe(
            exe=0, path="/srv/app", go_version="go1.27.3", arch="amd64", build_id=None,
            settings={}, pie=False, stripped=False, cgo=False, offsets={"g.goid": 152},
            offsets_source="DWARF", wait_reasons=[], probes=probes, missing=[],
        )  # fmt: skip
        manifest = Manifest(
            host={"hostname": "synth", "kernel": "6.18", "machine": "x86_64", "cpus": "2"},
            recorder=RecorderProcess(pid=2**22, start_ticks=1, boot_id="none"),
            plan=self.plan,
            options={},
            exes=[exe],
            processes=[Process(p, 0, ["/srv/app"], False, False, 0, 0) for p in self.pids],
            clock=[
                ClockAnchor(0, 1_700_000_000 * 10**9, 100),
                ClockAnchor(HOUR, 1_700_000_000 * 10**9 + HOUR, 100),
            ],
            started_ts=0,
            flushed_ts=self.duration,
            parts=list(parts),
            totals=Totals(events=len(self.rows)),
            stopped_ts=self.duration,
            stop_reason="duration",
        )
        return dataclasses.replace(manifest, **changes)

    def write(self, path: Path, parts: int = 1, in_progress: int = 0, **manifest: Any) -> Path:
        """Write the dataset to `path`.

        The events go into `parts` files, in order of time; the last `in_progress` of them stay as
        the Arrow stream of a recording that never stopped, and so do the tables beside them.
        """
        path.mkdir(parents=True)
        rows = sorted(self.rows, key=lambda row: row["ts"])
        finished, open_rows = rows[: len(rows) - in_progress], rows[len(rows) - in_progress :]
        size = max(1, -(-len(finished) // parts))
        written = []
        for start in range(0, len(finished), size):
            chunk = finished[start : start + size]
            file = path / schema.part_name(len(written))
            pq.write_table(_table(chunk, schema.EVENTS), file)
            written.append(
                Part(file.name, len(chunk), chunk[0]["ts"], chunk[-1]["ts"], file.stat().st_size)
            )
        for name, fields in schema.SIDE_TABLES.items():
            table = _table(self.side[name], fields)
            if in_progress:
                write_stream(path / schema.open_table_name(name), table)
            else:
                file = path / schema.table_name(name)
                file.parent.mkdir()
                pq.write_table(table, file)
        if in_progress:
            stream = path / schema.open_part_name(len(written))
            write_stream(stream, _table(open_rows, schema.EVENTS))
            manifest = {"stopped_ts": None, "stop_reason": None} | manifest
        (path / schema.MANIFEST).write_text(self.manifest(written, **manifest).to_json())
        return path


def alive(goid: int, status: str = "waiting", **fields: Any) -> dict[str, Any]:
    """A goroutine as a snapshot shows it; `stack`, `at` and `start` are frames."""
    return {"goid": goid, "status": status} | fields


def write_stream(path: Path, table: pa.Table, batch: int = 3) -> None:
    """An Arrow stream of small batches that was never closed."""
    with path.open("wb") as sink:
        writer = pa.ipc.new_stream(
            sink, table.schema, options=pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
        )
        for piece in table.to_batches(max_chunksize=batch):
            writer.write_batch(piece)
        sink.flush()
        os.fsync(sink.fileno())


def edit_manifest(path: Path, **changes: Any) -> None:
    file = path / schema.MANIFEST
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def _parked(stack: Sequence[str] | None, resumed: bool = False) -> list[str]:
    innermost = _RUNTIME_PARK_RESUMED if resumed else _RUNTIME_PARK
    return [innermost, *(stack or []), _GOEXIT]


def _table(rows: list[dict[str, Any]], fields: pa.Schema) -> pa.Table:
    columns = []
    for f in fields:
        values = [row.get(f.name) for row in rows]
        if pa.types.is_dictionary(f.type):
            columns.append(pa.array(values, pa.string()).dictionary_encode().cast(f.type))
        else:
            columns.append(pa.array(values, f.type))
    return pa.table(columns, schema=fields)
