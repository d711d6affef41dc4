"""A recording as large as wanted, written by the recorder's own writer.

Its goroutines are created at twenty places and wait at sixty, some far more often than others; each
is woken by the one that began to run last before that, and nine of ten end.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gtrace_rec import schema
from gtrace_rec.dataset import Dataset
from tests.synth import Recording

_EVENTS_A_ROUND = 5_000_000
_EVENTS_A_PART = 1_000_000
_KINDS = [k.name for k in schema.EVENT_KINDS]
_CREATE, _PARK, _READY, _RUN, _EXIT = map(_KINDS.index, ("create", "park", "ready", "run", "exit"))
_REASONS = ["chan receive", "chan send", "select", "sync.Mutex.Lock", "IO wait", "sleep"]
_CREATED_AT = 20
_WAIT_AT = 3  # places where goroutines of one kind wait

Numbers = npt.NDArray[np.int64]


def write(path: Path, events: int, goroutines: int, seconds: float = 60.0) -> None:
    """Write one of about so many events to the new directory `path`."""
    path.mkdir()
    random = np.random.default_rng(1)
    recording = Recording(duration=int(seconds * 1e9))
    places = _Places(recording)
    dataset = Dataset(path, reserve=0)
    for name in ("stacks", "symbols"):
        rows = recording.side[name]
        dataset.append(name, pa.RecordBatch.from_pylist(rows, schema.SIDE_TABLES[name]))
    rounds = -(-events // _EVENTS_A_ROUND)
    length = recording.duration // rounds
    written = 0
    for number in range(rounds):
        batch = _round(
            random, places, events // rounds, goroutines // rounds, number * length, length
        )
        for first in range(0, batch.num_rows, _EVENTS_A_PART):
            dataset.append_events(batch.slice(first, _EVENTS_A_PART))
            dataset.rotate()
            dataset.collect_parts(wait=True)
        written += batch.num_rows
    dataset.finish()
    manifest = recording.manifest(dataset.parts)
    totals = dataclasses.replace(manifest.totals, events=written)
    dataset.write_manifest(dataclasses.replace(manifest, totals=totals))


class _Places:
    """Code addresses and stacks, by the number of the kind of goroutine and of its place."""

    def __init__(self, recording: Recording) -> None:
        kinds = range(_CREATED_AT)
        at = [f"main.serve{n % 7} serve.go:{100 + n}" for n in kinds]
        start = [f"main.worker{n} worker.go:{10 * n + 1}" for n in kinds]
        waits = [
            [f"main.step{m} step.go:{20 * n + m}", f"main.worker{n} worker.go:{10 * n + 5}"]
            for n in kinds
            for m in range(_WAIT_AT)
        ]
        self.gopc = _numbers(recording.pc(frame) for frame in at)
        self.startpc = _numbers(recording.pc(frame) for frame in start)
        self.wait_pc = _numbers(recording.pc(frames[0]) for frames in waits)
        gopark = "runtime.gopark runtime/proc.go:461"
        self.wait_stack = _numbers(recording.stack([gopark, *frames]) for frames in waits)
        ready = "runtime.goready runtime/proc.go:480"
        self.wake_stack = _numbers(recording.stack([ready, *frames]) for frames in waits)


def _numbers(values: object) -> Numbers:
    return np.array(list(values), np.int64)  # type: ignore[call-overload,no-any-return]


def _round(
    random: np.random.Generator,
    places: _Places,
    events: int,
    goroutines: int,
    first_ts: int,
    length: int,
) -> pa.RecordBatch:
    """Goroutines that are created within a span of time, with all they do, in order of time."""
    cycles = random.pareto(2.0, goroutines) + 0.2
    cycles = np.maximum((cycles * (events / 3 - goroutines) / cycles.sum()).astype(np.int64), 0)
    counts = 3 + 3 * cycles  # create, run; park, ready, run, …; exit, or the last park
    owner = np.repeat(np.arange(goroutines), counts)
    begins = np.cumsum(counts) - counts
    place = np.arange(len(owner)) - begins[owner]
    kind = np.array([_PARK, _READY, _RUN])[(place - 2) % 3]
    kind[begins] = _CREATE
    ends = begins + counts - 1
    kind[ends] = np.where(random.random(goroutines) < 0.9, _EXIT, _PARK)

    # What passed before each: to be runnable is short, to run longer, to wait longest.
    scale = np.zeros(len(_KINDS))
    scale[[_RUN, _PARK, _EXIT, _READY]] = 1, 3, 3, 100
    passed = np.cumsum(random.standard_exponential(len(owner)) * scale[kind])
    passed -= passed[begins][owner]
    lived = random.random(goroutines) ** 2 * 0.9 * length
    born = random.random(goroutines) * (length - lived)
    stretch = lived / np.maximum(passed[ends], 1)
    ts = first_ts + (born[owner] + passed * stretch[owner]).astype(np.int64)

    order = np.argsort(ts, kind="stable")
    ts, owner, kind = ts[order], owner[order], kind[order]
    first_goid = 1_000 + first_ts // length * goroutines
    sort = owner % _CREATED_AT
    waits_at = sort * _WAIT_AT + random.integers(0, _WAIT_AT, len(owner))
    created, parked, readied = kind == _CREATE, kind == _PARK, kind == _READY
    # Whoever ran last made it ready; if that was itself, a timer did.
    ran_last = np.maximum.accumulate(np.where(kind == _RUN, np.arange(len(kind)), 0))
    waker = owner[ran_last]
    obj = np.where(parked, 0xC000000000 + random.integers(0, 2000, len(owner)) * 96, 0)
    columns = {
        "ts": ts,
        "kind": _named(kind, _KINDS),
        "goid": first_goid + owner,
        "pid": np.full(len(owner), Recording().pid),
        "tid": 5000 + random.integers(0, 16, len(owner)),
        "cpu": random.integers(0, 8, len(owner)),
        "other_goid": _where(
            created | readied & (waker != owner), np.where(created, 1, first_goid + waker)
        ),
        "reason": _named(waits_at % len(_REASONS), _REASONS, parked),
        "stack_id": _where(
            parked | readied,
            np.where(parked, places.wait_stack[waits_at], places.wake_stack[waits_at]),
        ),
        "pc": _where(
            created | parked, np.where(created, places.gopc[sort], places.wait_pc[waits_at])
        ),
        "obj": _where(created | parked, np.where(created, places.startpc[sort], obj)),
    }
    arrays = [pa.array(columns[f.name]).cast(f.type) for f in schema.EVENTS]
    return pa.RecordBatch.from_arrays(arrays, schema=schema.EVENTS)


def _where(known: npt.NDArray[np.bool_], values: Numbers) -> pa.Array:
    return pa.array(values, mask=~known)


def _named(
    codes: Numbers, names: list[str], known: npt.NDArray[np.bool_] | None = None
) -> pa.Array:
    mask = None if known is None else ~known
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int8), mask=mask), names)
