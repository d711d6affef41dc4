"""The steps of all goroutines: each change of a goroutine's state with the next one.

DuckDB can sort the events by goroutine, but takes three times as long. Here it is done a chunk of
the recording at a time: what is in a chunk is put in the order of goroutines, and each one's last
change is kept until the chunk that has its next. So the memory of a chunk is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gtrace_analyze._binding import PART_SHIFT, ROW_SHIFT
from gtrace_analyze._columns import (
    Column,
    Columns,
    Mask,
    Positions,
    valid_of,
    values_of,
    with_nulls,
)
from gtrace_analyze._errors import DamageError
from gtrace_analyze.recording import Recording

__all__ = ["LIFE_EVENTS", "NONE", "STEPS", "Changes", "Follower", "Take", "Transitions"]

_BATCH = 65_536  # events read at a time: few enough for their memory to be used again
NONE = 0xFF  # in the place of the next transition's kind: there is none
_TRANSITIONS = pa.schema(
    [
        ("pid", pa.int32()),
        ("goid", pa.int64()),
        ("seq", pa.int64()),
        ("ts", pa.int64()),
        ("kind", pa.uint8()),
        ("tid", pa.int32()),
        ("cpu", pa.int16()),
        ("other_goid", pa.int64()),
        ("reason", pa.int16()),
        ("stack_id", pa.int32()),
        ("pc", pa.int64()),
        ("obj", pa.int64()),
        ("certain", pa.bool_()),
    ]
)
# What a step has of the transition that ended it, NULL if none did.
_OF_NEXT = {"ts_end": "ts", "next_other": "other_goid", "next_stack": "stack_id"}
STEPS = pa.schema(
    [
        *(_TRANSITIONS.field(n) for n in ("pid", "goid", "ts")),
        ("pair", pa.uint16()),  # what began and what ended it, see int_kind_pairs
        *(_TRANSITIONS.field(n) for n in ("tid", "cpu", "reason", "stack_id", "pc", "obj")),
        ("certain", pa.bool_()),  # no snapshot was torn
        *(_TRANSITIONS.field(column).with_name(name) for name, column in _OF_NEXT.items()),
    ]
)

_LIVES = ("create", "create_parked", "create_syscall", "exit")
LIFE_EVENTS = pa.schema(
    [
        *(_TRANSITIONS.field(n) for n in ("pid", "goid", "ts")),
        ("kind", pa.dictionary(pa.uint8(), pa.string())),
        *(_TRANSITIONS.field(n) for n in ("other_goid", "stack_id", "pc", "obj")),
    ]
)

# Of some steps, the columns by their names.
Take = Callable[[str], pa.Array]


class Transitions:
    """The transitions of a recording, with numbers for names."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.kinds = _names(con, "event_kind")
        self.reasons = _names(con, "wait_reason")
        self.states = _names(con, "goroutine_state")
        self._switch, self._resume = map(self.kinds.index, ("coro_switch", "coro_resume"))

    def of_events(self, recording: Recording) -> Iterator[pa.Table]:
        """Those that events tell, in their order."""
        for number, part in enumerate(recording.parts):
            first = number << PART_SHIFT
            try:
                with pq.ParquetFile(part.path) as file:
                    for batch in file.iter_batches(_BATCH, use_threads=False):
                        events = pa.Table.from_batches([batch])
                        yield self._numbered(events, first)
                        first += events.num_rows << ROW_SHIFT
            except (pa.ArrowException, OSError) as e:
                why = f"is damaged ({str(e).splitlines()[0]})"
                raise DamageError(part.path, why) from None
        for number, events in enumerate(recording.streams, len(recording.parts)):
            yield self._numbered(events, number << PART_SHIFT)

    def _numbered(self, events: pa.Table, first: int) -> pa.Table:
        columns: dict[str, Any] = {
            **{name: events[name] for name in events.column_names},
            "seq": pa.array(first + (np.arange(events.num_rows) << ROW_SHIFT)),
            "kind": self._codes(events["kind"], self.kinds, "event_kind", pa.uint8()),
            "reason": self._codes(events["reason"], self.reasons, "wait_reason", pa.int16()),
            "certain": pa.repeat(True, events.num_rows),
        }
        told = pa.table([columns[f.name].cast(f.type) for f in _TRANSITIONS], schema=_TRANSITIONS)
        # A coro_switch changes two goroutines: the other one resumes.
        switches = pc.equal(told["kind"], pa.scalar(self._switch, pa.uint8()))
        if not pc.any(switches).as_py():
            return told
        resumed = told.filter(pc.and_(switches, told["other_goid"].is_valid()))
        columns = {
            **{name: resumed[name] for name in resumed.column_names},
            "goid": resumed["other_goid"],
            "other_goid": resumed["goid"],
            "kind": pa.repeat(self._resume, resumed.num_rows),
            "reason": pa.nulls(resumed.num_rows),
            "obj": pa.nulls(resumed.num_rows),
        }
        resumed = pa.table([columns[f.name].cast(f.type) for f in _TRANSITIONS], _TRANSITIONS)
        return pa.concat_tables([resumed, told])

    def life_events(self, events: list[pa.Table]) -> pa.Table:
        """Those of _LIVES among some."""
        lives = np.zeros(NONE + 1, bool)
        lives[[self.kinds.index(kind) for kind in _LIVES]] = True
        told = [
            each.select(LIFE_EVENTS.names).take(np.flatnonzero(lives.take(each["kind"].to_numpy())))
            for each in events
        ]
        rows = pa.concat_tables([_TRANSITIONS.empty_table().select(LIFE_EVENTS.names), *told])
        codes = rows["kind"].combine_chunks()
        names = pa.DictionaryArray.from_arrays(codes, self.kinds)
        return rows.set_column(
            LIFE_EVENTS.get_field_index("kind"), LIFE_EVENTS.field("kind"), names
        )

    def _codes(
        self, column: pa.ChunkedArray, names: list[str], type_name: str, code: pa.DataType
    ) -> pa.ChunkedArray:
        if not pa.types.is_dictionary(column.type):  # rewritten by somebody else
            column = column.dictionary_encode()
        told = [_translated(chunk, names, type_name, code) for chunk in column.chunks]
        return pa.chunked_array(told, code)


def _translated(
    column: pa.DictionaryArray, names: list[str], type_name: str, code: pa.DataType
) -> pa.Array:
    """The places of its values among `names`."""
    numbers = pc.index_in(column.dictionary, pa.array(names)).cast(code)
    if numbers.null_count:
        unknown = pc.and_(numbers.take(column.indices).is_null(), column.is_valid())
        if pc.any(unknown).as_py():
            raise duckdb.ConversionException(f"{type_name} '{column.filter(unknown)[0]}'")
    if not len(numbers):
        return pa.nulls(len(column), code)
    numbers = numbers.fill_null(0).to_numpy()
    # Whatever stands where there is none may be no place at all.
    told = pa.array(numbers.take(values_of(column.indices), mode="clip"))
    return with_nulls(told, valid_of(column)) if column.null_count else told


def _names(con: duckdb.DuckDBPyConnection, type_name: str) -> list[str]:
    return list(con.execute(f"SELECT enum_range(NULL::{type_name})").fetchall()[0][0])


class Changes:
    """The steps of a chunk, of which columns are taken as they are needed."""

    def __init__(
        self, columns: dict[str, Column], order: npt.NDArray[np.uint32], final: Mask
    ) -> None:
        self._columns = columns
        self._order = order  # the row of the transition that begins each step
        self.final = final  # which of them are the last of their goroutine so far, and do not end
        kinds: npt.NDArray[np.uint8] = columns["kind"].values.take(order)
        self.pairs = kinds.astype(np.uint16) << np.uint16(8)
        self.pairs[:-1] |= kinds[1:]
        self.pairs[final] |= NONE
        self.breaks = np.ones(len(kinds), bool)  # which are the first of their goroutine
        self.breaks[1:] = final[:-1]

    def at(self, places: Positions, where: Mask | None = None) -> Take:
        """Those of STEPS at some places, but for the pair; NULL except `where`."""
        if where is not None and where.all():
            where = None
        here = pa.array(self._order.take(places, mode="clip"))

        def take(name: str) -> pa.Array:
            if name in _OF_NEXT:
                return self._of_next(_OF_NEXT[name], places, where)
            return self._columns[name].at(here, where)

        return take

    def ended(self, places: Positions) -> pa.Array:
        """When those at some places ended."""
        return self._of_next("ts", places, None)

    def _of_next(self, name: str, places: Positions, where: Mask | None) -> pa.Array:
        """What the transitions that end steps have."""
        ends = ~self.final.take(places, mode="clip")
        if where is not None:
            ends &= where
        after = pa.array(self._order.take(places + 1, mode="clip"))
        return self._columns[name].at(after, None if ends.all() else ends)


class Follower:
    """Puts each transition together with the next one of its goroutine, chunk by chunk."""

    def __init__(self, con: duckdb.DuckDBPyConnection, transitions: Transitions) -> None:
        ends = con.execute("SELECT kind FROM int_kinds WHERE state = 'dead'").fetchall()
        self._ends = np.zeros(NONE + 1, bool)  # whether a kind is the end of a life
        self._ends[[transitions.kinds.index(kind) for (kind,) in ends]] = True
        others = con.sql("FROM int_other_transitions ORDER BY seq, ts").to_arrow_table()
        self._others = others.cast(_TRANSITIONS)  # those that no event tells
        self._open = _TRANSITIONS.empty_table()  # those whose next one is yet to come
        self._columns = Columns(_TRANSITIONS)

    def steps(self, events: list[pa.Table], last: bool) -> Changes:
        """The steps of what is open and of more events, until the next ones are asked for; if those
        are not the last ones, the `final` among them are told again by the next chunk."""
        others = len(self._others)
        if not last:
            until = events[-1]["seq"][-1].as_py()
            others = int(np.searchsorted(self._others["seq"].to_numpy(), until))
        columns = self._columns.of([self._open, *events, self._others.slice(0, others)])
        self._others = self._others.slice(others)
        order, final = _order(*(columns[name].values for name in ("pid", "goid", "seq")))
        steps = Changes(columns, order.astype(np.uint32), final)
        if not last:
            # Of one that ended in an earlier chunk, nothing is to be expected any more.
            gone = self._ends[steps.pairs >> 8] & (order < len(self._open))
            rows = pa.array(np.sort(order[final & ~gone]).astype(np.uint32))
            self._open = pa.table(
                [columns[name].at(rows) for name in _TRANSITIONS.names], _TRANSITIONS
            )
        return steps


def _order(pid: Positions, goid: Positions, seq: Positions) -> tuple[Positions, Mask]:
    """Where the rows are, by pid, goid and seq, and which of them are their goroutine's last."""
    if not len(seq):
        return np.arange(0), np.zeros(0, bool)
    final = np.ones(len(seq), bool)
    bits = len(seq).bit_length()
    width = int(goid.max()) - int(goid.min()) + 1
    processes = int(pid.max()) - int(pid.min()) + 1
    if processes * width << bits > 1 << 63:
        order = np.lexsort((seq, goid, pid))
        goids, pids = goid[order], pid[order]
        final[:-1] = (goids[1:] != goids[:-1]) | (pids[1:] != pids[:-1])
        return order, final
    # Numbers of goroutine and position in one are sorted in a tenth of the time.
    keys = goid - int(goid.min())
    if processes > 1:
        keys += (pid - int(pid.min())).astype(np.int64) * width
    by_time = None if (seq[1:] >= seq[:-1]).all() else np.argsort(seq, kind="stable")
    if by_time is not None:
        keys = keys[by_time]
    keys <<= bits
    keys |= np.arange(len(seq))
    keys.sort()
    goroutines = keys >> bits
    final[:-1] = goroutines[1:] != goroutines[:-1]
    keys &= (1 << bits) - 1
    return (keys if by_time is None else by_time[keys]), final
