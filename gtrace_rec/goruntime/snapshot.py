"""All goroutines of a running process, as columns; `reader` reads them from its memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gtrace_rec.goruntime.gstructs import LEAKED, LIVE_STATUSES, WAITING
from gtrace_rec.goruntime.labels import Labels
from gtrace_rec.schema import GOROUTINES

_STATUS_NAMES = [LIVE_STATUSES.get(i, "") for i in range(max(LIVE_STATUSES) + 1)]

_NEVER_0 = ("ts", "goid", "waitsince", "parent_goid", "gopc", "startpc", "obj", "tid")
_NEVER_NEGATIVE = ("chan_len", "chan_cap", "chan_closed", "holders")

# One goroutine. 0, or -1 for what may be 0, is unknown.
ROW = np.dtype(
    [
        *((name, "<i8") for name in (*_NEVER_0, *_NEVER_NEGATIVE)),
        *((name, "<i4") for name in ("status", "reason", "stack")),
        ("certain", "?"),
    ]
)


@dataclass
class Snapshot:
    """Goroutines as they were, each at its own `ts`.

    `stacks` are the distinct stacks of lookup addresses (schema.py), innermost first; a row's
    `stack` is the index of its own, -1 for none. `labels` and `select` are lists as long as `rows`.
    """

    pid: int
    rows: NDArray[np.void]
    labels: list[Labels | None]
    select: list[list[int] | None]
    stacks: list[NDArray[np.int64]]
    wait_reasons: tuple[str, ...]
    unreachable: NDArray[np.int8] | None = None  # by reach.find_unreachable
    refers: list[list[int] | None] | None = None  # by referrers.find_referrers

    def __len__(self) -> int:
        return len(self.rows)

    def waiting(self, *reasons: str) -> NDArray[np.bool_]:
        """Which goroutines wait for something that begins with one of `reasons`."""
        named = [
            number for number, name in enumerate(self.wait_reasons) if name.startswith(reasons)
        ]
        r = self.rows
        found: NDArray[np.bool_] = np.isin(r["status"], [WAITING, LEAKED])
        return found & np.isin(r["reason"], named)

    def waits_on(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """The addresses that these goroutines wait on, and of which of `rows` each is."""
        obj = self.rows["obj"][rows]
        owner = np.flatnonzero(obj)
        of_select = [
            (at, address)
            for at in np.flatnonzero(obj == 0).tolist()
            for address in self.select[rows[at]] or ()
        ]
        others = np.array(of_select, np.uint64).reshape(-1, 2)
        return (
            np.concatenate([owner, others[:, 0].astype(np.int64)]),
            np.concatenate([obj[owner].astype(np.uint64), others[:, 1]]),
        )

    def batch(self, number: int, stack_ids: Sequence[int]) -> pa.RecordBatch:
        """The table `goroutines` of schema.py, as snapshot `number` of its recording.

        `stack_ids` gives each of `stacks` its number in the recording.
        """
        r = self.rows
        numbers = np.array([*stack_ids, -1], np.int32)  # the last is that of index -1
        columns = {
            "reachable": self._reachable(),
            "snapshot": np.full(len(r), number, np.int32),
            "pid": np.full(len(r), self.pid, np.int32),
            "status": _names(r["status"], _STATUS_NAMES),
            "reason": _names(r["reason"], self.wait_reasons),
            "stack_id": pa.array(numbers[r["stack"]], mask=r["stack"] < 0),
            "labels": [None if x is None else list(x.items()) for x in self.labels],
            "select_objs": self.select,
            "refers": self.refers or [None] * len(r),
            "certain": r["certain"],
            **{name: pa.array(r[name], mask=r[name] == 0) for name in _NEVER_0},
            **{name: pa.array(r[name], mask=r[name] < 0) for name in _NEVER_NEGATIVE},
        }
        return pa.RecordBatch.from_arrays(
            [_array(columns[f.name], f.type) for f in GOROUTINES], schema=GOROUTINES
        )

    def _reachable(self) -> pa.Array:
        if self.unreachable is None:
            return pa.nulls(len(self), pa.bool_())
        return pa.array(self.unreachable == 0, mask=self.unreachable < 0)


def _array(values: object, type_: pa.DataType) -> pa.Array:
    return values.cast(type_) if isinstance(values, pa.Array) else pa.array(values, type_)


def _names(numbers: NDArray[np.int32], names: Sequence[str]) -> pa.Array:
    """Names by number; NULL for those that have none."""
    known = np.array([bool(name) for name in names] + [False])
    unknown = ~known[np.minimum(numbers, len(names))]
    codes = pa.array(np.where(unknown, 0, numbers).astype(np.int8), mask=unknown)
    return pa.DictionaryArray.from_arrays(codes, pa.array(names, pa.string()))
