"""The steps of all goroutines: each change of a goroutine's state with the next one.

DuckDB can sort the events by goroutine, but takes three times as long. Here it is done a chunk of
the recording at a time: what is in a chunk is put in the order of goroutines, and each one's last
change is kept until the chunk that has its next. So the memory of a chunk is enough, and what is
made of one lies together: in the tables, all that ended in a span of time, goroutine by goroutine.
The events that begin and end lives are taken out on the way, for the same reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gtrace_analyze._binding import PART_SHIFT, ROW_SHIFT
from gtrace_analyze._errors import DamageError
from gtrace_analyze.recording import Recording

__all__ = ["NOTHING", "SOURCES", "TABLES", "Chunk", "chunks"]

T = TypeVar("T")

# Tables made of chunks, one after the other, and what those are made of besides events.
TABLES = ("int_waits", "int_runnables", "int_runs", "int_life_events")
SOURCES = ("int_other_transitions", "int_kinds", "int_kind_pairs", "int_periods")

_EVENTS = 1_000_000  # in a chunk
_BATCH = 50_000  # steps that one thread reads at a time
_NONE = 0xFF  # in the place of the next transition's kind: there is none
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
_STEPS = pa.schema(
    [
        *(_TRANSITIONS.field(n) for n in ("pid", "goid", "ts")),
        ("ts_end", pa.int64()),  # NULL if it does not end
        ("pair", pa.uint16()),  # what began and what ended it, see int_kind_pairs
        *(_TRANSITIONS.field(n) for n in ("tid", "stack_id")),
        ("certain", pa.bool_()),  # no snapshot was torn
    ]
)
_WAITS = pa.schema(
    [
        *_STEPS,
        ("reason", pa.dictionary(pa.int16(), pa.string())),
        *(_TRANSITIONS.field(n) for n in ("pc", "obj")),
        ("next_other", pa.int64()),  # other_goid and stack_id of the transition that ended it
        ("next_stack", pa.int32()),
    ]
)
_RUNS = pa.schema([*_STEPS, _TRANSITIONS.field("cpu")])
# The tables of steps, by the state that they are in; the last has all that are in no other.
_BY_STATE = {
    "raw_waits": ("waiting", _WAITS),
    "raw_runnables": ("runnable", _STEPS),
    "raw_runs": (None, _RUNS),
}

_LIVES = ("create", "create_parked", "create_syscall", "exit")
_LIFE_EVENTS = pa.schema(
    [
        *(_TRANSITIONS.field(n) for n in ("pid", "goid", "ts")),
        ("kind", pa.dictionary(pa.uint8(), pa.string())),
        *(_TRANSITIONS.field(n) for n in ("other_goid", "stack_id", "pc", "obj")),
    ]
)

# Tables by the names that the SQL has for them.
Chunk = dict[str, pa.Table]
NOTHING: Chunk = {
    "raw_steps": pa.unify_schemas([_WAITS, _RUNS]).empty_table(),
    **{name: columns.empty_table() for name, (_, columns) in _BY_STATE.items()},
    "raw_life_events": _LIFE_EVENTS.empty_table(),
}

Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def chunks(con: duckdb.DuckDBPyConnection, recording: Recording) -> Iterator[Chunk]:
    """The recording in chunks, at least one: its steps by state, and its events of _LIVES.

    The steps of a goroutine are in order. Raises DamageError if a part is damaged inside.
    """
    transitions = _Transitions(con)
    follow = _Follower(transitions)

    def each() -> Iterator[Chunk]:
        pieces: list[pa.Table] = []
        for piece in _ahead(transitions.of_events(recording)):
            pieces.append(piece)
            if sum(piece.num_rows for piece in pieces) >= _EVENTS:
                yield follow.chunk(pieces)
                pieces = []
        yield follow.chunk(pieces, last=True)

    ((whole,),) = con.execute(
        "SELECT NOT (getvariable('has_gaps') OR getvariable('has_pauses'))"
    ).fetchall()
    for chunk in _ahead(each()):
        yield chunk if whole else _cut(con, chunk)


def _ahead(items: Iterator[T]) -> Iterator[T]:
    """The same, each made by a thread while what came before it is used."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item


def _cut(con: duckdb.DuckDBPyConnection, chunk: Chunk) -> Chunk:
    """The same, with what losses and closed recording windows leave of its steps."""
    steps = pa.concat_tables([chunk[name] for name in _BY_STATE], promote_options="default")
    con.register("raw_steps", steps)
    periods = con.sql("FROM int_periods()").to_arrow_table()
    con.register("raw_steps", NOTHING["raw_steps"])
    states = periods["state"].cast(pa.string())
    others = pc.invert(pc.is_in(states, pa.array([s for s, _ in _BY_STATE.values() if s])))
    cut = {
        name: periods.filter(pc.equal(states, state) if state else others).select(columns.names)
        for name, (state, columns) in _BY_STATE.items()
    }
    return {**chunk, **cut}


class _Transitions:
    """The transitions of a recording, with numbers for kinds and reasons."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con
        self.kinds = self._names("event_kind")
        self.reasons = self._names("wait_reason")
        self._switch, self._resume = map(self.kinds.index, ("coro_switch", "coro_resume"))
        ends = con.execute("SELECT enum_code(kind) FROM int_kinds WHERE state = 'dead'").fetchall()
        self.ends = np.zeros(_NONE + 1, bool)  # whether a kind is the end of a life
        self.ends[[code for (code,) in ends]] = True
        # In which of _BY_STATE the steps of a pair of kinds are; behind the last if in none.
        self.tables = np.full(1 << 16, len(_BY_STATE), np.uint8)
        states = [state for state, _ in _BY_STATE.values()]
        for pair, state in con.execute("SELECT pair, state FROM int_kind_pairs").fetchall():
            self.tables[pair] = states.index(state if state in states else None)
        others = con.sql("FROM int_other_transitions ORDER BY seq").to_arrow_table()
        self.others = others.cast(_TRANSITIONS)  # those that no event tells

    def of_events(self, recording: Recording) -> Iterator[pa.Table]:
        """Those that events tell, in their order."""
        for number, part in enumerate(recording.parts):
            first = number << PART_SHIFT
            try:
                with pq.ParquetFile(part.path) as file:
                    for group in range(file.num_row_groups):
                        events = file.read_row_group(group, use_threads=False)
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
        switches = pc.equal(told["kind"], self._switch)
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

    def _names(self, type_name: str) -> list[str]:
        return list(self._con.execute(f"SELECT enum_range(NULL::{type_name})").fetchall()[0][0])

    def _codes(
        self, column: pa.ChunkedArray, names: list[str], type_name: str, code: pa.DataType
    ) -> pa.ChunkedArray:
        if not pa.types.is_dictionary(column.type):  # rewritten by somebody else
            column = column.dictionary_encode()
        codes = []
        for chunk in column.chunks:
            numbers = pc.index_in(chunk.dictionary, pa.array(names)).cast(code).take(chunk.indices)
            if numbers.null_count > chunk.null_count:
                unknown = chunk.filter(pc.and_not(numbers.is_null(), chunk.is_null()))[0]
                raise duckdb.ConversionException(f"{type_name} '{unknown}'")
            codes.append(numbers)
        return pa.chunked_array(codes, code)


class _Follower:
    """Puts each transition together with the next one of its goroutine, chunk by chunk."""

    def __init__(self, transitions: _Transitions) -> None:
        self._kinds = transitions.kinds
        self._lives = pa.array([self._kinds.index(kind) for kind in _LIVES], pa.uint8())
        self._ends = transitions.ends
        self._reasons = transitions.reasons
        self._tables = transitions.tables
        self._others = transitions.others
        self._open = _TRANSITIONS.empty_table()  # those whose next one is yet to come

    def chunk(self, events: list[pa.Table], last: bool = False) -> Chunk:
        """What there is to tell after these events; if they are the last, what is open, too."""
        return {**self._steps(events, last), "raw_life_events": self._life_events(events)}

    def _life_events(self, events: list[pa.Table]) -> pa.Table:
        told = [each.filter(pc.is_in(each["kind"], self._lives)) for each in events]
        rows = pa.concat_tables([_TRANSITIONS.empty_table(), *told]).combine_chunks()
        columns = {name: rows[name] for name in _LIFE_EVENTS.names}
        codes = rows["kind"].combine_chunks()
        columns["kind"] = pa.DictionaryArray.from_arrays(codes, self._kinds)
        return pa.table(columns, _LIFE_EVENTS)

    def _steps(self, events: list[pa.Table], last: bool) -> Chunk:
        """The steps that end in a chunk; if it is the last one, also those that do not."""
        others = len(self._others)
        if not last:
            until = events[-1]["seq"][-1].as_py()
            others = int(np.searchsorted(self._others["seq"].to_numpy(), until))
        rows = pa.concat_tables([self._open, *events, self._others.slice(0, others)])
        self._others = self._others.slice(others)
        order, final = _order(*(rows[name].to_numpy() for name in ("pid", "goid", "seq")))
        order = order.astype(np.uint32)
        kinds = rows["kind"].to_numpy().take(order)
        pairs = kinds.astype(np.uint16) << 8
        pairs[:-1] |= kinds[1:]
        pairs[final] |= _NONE
        tables = self._tables.take(pairs)
        if not last:
            # Of one that ended in an earlier chunk, nothing is to be expected any more.
            gone = self._ends[kinds] & (order < len(self._open))
            self._open = rows.take(pa.array(np.sort(order[final & ~gone])))
            tables[final] = len(_BY_STATE)  # their end is yet to come
        columns = {name: _Column(rows[name]) for name in rows.column_names}

        def table(number: int, schema: pa.Schema) -> pa.Table:
            places = np.flatnonzero(tables == number)
            here = pa.array(order.take(places))
            ends = ~final.take(places)
            after = pa.array(order.take(places + 1, mode="clip"))  # nothing is behind the last
            told = {
                "pair": pa.array(pairs.take(places)),
                "ts_end": columns["ts"].at(after, ends),
            }
            if "reason" in schema.names:
                codes = columns["reason"].at(here)
                told |= {
                    "reason": pa.DictionaryArray.from_arrays(codes, self._reasons, safe=False),
                    "next_other": columns["other_goid"].at(after, ends),
                    "next_stack": columns["stack_id"].at(after, ends),
                }
            told |= {n: columns[n].at(here) for n in schema.names if n not in told}
            whole = pa.table([told[n] for n in schema.names], schema=schema)
            batches = whole.to_batches(max_chunksize=_BATCH)
            return pa.Table.from_batches(batches, schema=schema)

        with ThreadPoolExecutor(len(_BY_STATE)) as threads:
            schemas = [schema for _, schema in _BY_STATE.values()]
            made = threads.map(table, range(len(schemas)), schemas)
            return dict(zip(_BY_STATE, made, strict=True))


def _order(
    pid: Positions, goid: Positions, seq: Positions
) -> tuple[Positions, npt.NDArray[np.bool_]]:
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


class _Column:
    """A column of a chunk, of which values are taken several times."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        whole = column.combine_chunks()
        self._nulls = whole.null_count
        self._values = _values(whole)
        self._same = None if self._nulls else _the_same(whole)
        self._valid = pa.array(_valid(whole).view(np.uint8)) if self._nulls else None

    def at(self, positions: pa.Array, where: Mask | None = None) -> pa.Array:
        """The values at these positions (uint32: twice as fast as others); NULL except `where`."""
        if self._nulls == len(self._values):
            return pa.nulls(len(positions), self._values.type)
        if self._same is not None:
            values = pa.repeat(self._same, len(positions))
        else:
            # Values and whether they are valid apart: together it takes Arrow three times as long.
            values = pc.take(self._values, positions, boundscheck=False)
        if self._valid is not None:
            valid = pc.take(self._valid, positions, boundscheck=False).to_numpy().view(bool)
            where = valid if where is None else valid & where
        return values if where is None else _with_nulls(values, where)


def _the_same(values: pa.Array) -> pa.Scalar | None:
    """What all of them are; None if they differ."""
    if not len(values) or values[0] != values[-1]:
        return None
    ends = pc.min_max(values)
    return values[0] if ends["min"] == ends["max"] else None


def _values(column: pa.Array) -> pa.Array:
    """The values as they lie in memory, whatever stands there where one is NULL."""
    return pa.Array.from_buffers(
        column.type, len(column), [None, column.buffers()[1]], offset=column.offset
    )


def _valid(column: pa.Array) -> Mask:
    """Where a column that has NULLs has none."""
    bits = np.frombuffer(column.buffers()[0], np.uint8)
    end = column.offset + len(column)
    return np.unpackbits(bits, count=end, bitorder="little")[column.offset :].view(bool)


def _with_nulls(values: pa.Array, valid: Mask) -> pa.Array:
    """These values, but NULL where not `valid`."""
    bits = pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(values.type, len(values), [bits, values.buffers()[1]])
