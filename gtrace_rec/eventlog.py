"""Writes down what the rings held: events with their stacks, and what was lost between.

What is written is counted on the way, and parts of the events are rotated when they are large.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from gtrace_rec.counting import Counting
from gtrace_rec.dataset import Dataset
from gtrace_rec.programs import Program
from gtrace_rec.ring import Gap
from gtrace_rec.roster import Roster
from gtrace_rec.schema import GAPS
from gtrace_rec.stacks import StackTable


class EventLog:
    """Takes from programs what they drained from their rings; parts are of about `part_bytes`."""

    def __init__(
        self,
        dataset: Dataset,
        stacks: StackTable,
        roster: Roster,
        counting: Counting,
        part_bytes: int,
    ) -> None:
        self._dataset = dataset
        self._stacks = stacks
        self._roster = roster
        self._counting = counting
        self._part_bytes = part_bytes
        self._paused: set[int] = set()  # programs whose first events after a pause are to come
        self.rotated_ts = 0

    def write(self, program: Program) -> None:
        """Write what `program` has drained by now."""
        block, gaps = program.take()
        if self._roster.follows(program):
            self._roster.adopt(program, np.unique(block["pid"]).tolist())
        for pid, bias in program.infer_biases(block):
            self._roster.watched[pid].load_bias = bias
        self._counting.add(block, whole=not gaps and program.number not in self._paused)
        batch = program.decode(block)
        if len(block):
            self._paused.discard(program.number)
        stacks, symbols = self._stacks.take_new()
        self._dataset.append("stacks", stacks)
        self._dataset.append("symbols", symbols)
        self.append_gaps(gaps)
        self._dataset.append_events(batch)
        program.count(block)
        if self._dataset.part_bytes >= self._part_bytes:
            self.rotate(time.monotonic_ns())

    def resume(self) -> None:
        """What is written next comes after a pause."""
        self._paused.update(p.number for p in self._roster.programs)
        self._counting.lives.restart()

    def rotate(self, now: int) -> None:
        """Finish the part in progress."""
        self._dataset.rotate()
        self.rotated_ts = now

    def append_gaps(self, gaps: Iterable[Gap]) -> None:
        """Write down what was not recorded."""
        self.append_rows("gaps", list(gaps), GAPS)

    def append_rows(self, table: str, rows: list[tuple[Any, ...]], schema: pa.Schema) -> None:
        """Append rows to a side table, with its fields in order."""
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
        self._dataset.append(
            table,
            pa.RecordBatch.from_arrays(
                [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema
            ),
        )
