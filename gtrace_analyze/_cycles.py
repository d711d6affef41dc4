"""What is made of chunks of a recording: the cycles of all goroutines, and their births and ends.

Of each goroutine up to three steps that follow each other are one row: it waits, then is runnable,
then runs. What such a row has in common with many others, all but whose it is, when and on which
threads, is a row of its own, its shape. What is made of one chunk lies together: in the table, all
that ended in a span of time, goroutine by goroutine. The events that begin and end lives are taken
out on the way, for the same reason.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol, TypeVar

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gtrace_analyze import _steps, _wakes
from gtrace_analyze._columns import Columns, Mask, Positions
from gtrace_analyze._interrupts import undisturbed
from gtrace_analyze._steps import STEPS
from gtrace_analyze.recording import Recording

__all__ = ["EVENTS", "NOTHING", "SOURCES", "TABLES", "Chunk", "chunks"]

T = TypeVar("T")
_Keys = npt.NDArray[np.uint64]

# Tables made of chunks, of what part of these, and what is needed besides events.
TABLES = {
    "int_cycles": "raw_cycles",
    "int_shapes": "raw_shapes",
    "int_life_events": "raw_life_events",
    "int_wake_numbers": "raw_wake_numbers",
}
SOURCES = ("int_other_transitions", "int_kinds", "int_kind_pairs", "int_periods")

EVENTS = 1_000_000  # in a chunk, or a few more
_FIRST = 300_000  # in the first one, until which nothing is there to write
_MANY = 500_000  # rows that are worth a statement of their own, where there are fewer in a chunk
_PIECES = 32  # as _steps cuts them, that are read ahead
_BATCH = 50_000  # rows that one thread reads at a time
_THREADS = 3
# The states that a cycle has one of each of at most, in this order; the last is any other, or none
# that is known. Behind it: in no cycle.
_SLOTS = ("waiting", "runnable", None)
_WAIT, _READY, _RUN, _NO_SLOT = range(len(_SLOTS) + 1)
_NO_PAIR = 0xFFFF  # in the place of a pair of kinds: there is no such step
_NO_REASON = 0xFFF
_NO_STACK = -1
# In which order those lie that have only some, by the sum of 1, 2 and 4 for those.
_RANKS = np.array([7, 0, 5, 1, 4, 6, 3, 2], np.uint8)
# When what is in a slot begins and by what; the last is the end of all.
_MOMENTS = ("wait_ts", "ready_ts", "run_ts", "ts_end")
_KINDS = ("wait_by", "ready_by", "run_by", "ended_by")
# The columns of a cycle that are those of one of its steps.
_OF_SLOTS = {
    "wait_tid": (_WAIT, "tid"),
    "ready_tid": (_READY, "tid"),
    "run_tid": (_RUN, "tid"),
    "run_cpu": (_RUN, "cpu"),
    "pc": (_WAIT, "pc"),
    "obj": (_WAIT, "obj"),
}
_CYCLES = pa.schema(
    [
        *(STEPS.field(n) for n in ("pid", "goid")),
        *((name, pa.int64()) for name in _MOMENTS),
        ("shape", pa.uint32()),
        *(STEPS.field(n) for n in ("next_other", "next_stack")),
        *((name, STEPS.field(column).type) for name, (_, column) in _OF_SLOTS.items()),
    ]
)
_NAME = pa.dictionary(pa.uint8(), pa.string())
_SHAPES = pa.schema(
    [
        ("shape", pa.uint32()),
        *((name, pa.uint8()) for name in ("first_state", "last_state")),
        *((name, _NAME) for name in _KINDS),
        ("run_state", _NAME),
        ("reason", pa.dictionary(pa.int16(), pa.string())),
        STEPS.field("stack_id"),
        ("told", pa.bool_()),  # whether what ended the wait names another goroutine
        ("certain", pa.uint8()),
    ]
)
# Steps that DuckDB cuts, each with its place among those of its chunk.
_NUMBERED = pa.schema([("number", pa.int64()), *STEPS])

# Tables by the names that the SQL has for them.
Chunk = dict[str, pa.Table]
NOTHING: Chunk = {
    "raw_steps": _NUMBERED.empty_table(),
    "raw_cycles": _CYCLES.empty_table(),
    "raw_shapes": _SHAPES.empty_table(),
    "raw_life_events": _steps.LIFE_EVENTS.empty_table(),
    "raw_wake_numbers": _wakes.NUMBERS.empty_table(),
}


def chunks(
    con: duckdb.DuckDBPyConnection, recording: Recording, prepare: Callable[[], None]
) -> Iterator[Chunk]:
    """The recording in chunks, at least one. It is already read while `prepare` makes SOURCES.

    Not every chunk has every table: of which there is little, what several have comes together.

    Raises DamageError if a part is damaged inside.
    """
    transitions = _steps.Transitions(con)
    with _ahead(transitions.of_events(recording), _PIECES) as pieces:
        prepare()
        follower = _steps.Follower(con, transitions)
        cycles = _Cycles(con, transitions)
        ((whole,),) = con.execute(
            "SELECT NOT (getvariable('has_gaps') OR getvariable('has_pauses'))"
        ).fetchall()

        def chunk(events: list[pa.Table], last: bool = False) -> Chunk:
            steps = follower.steps(events, last)
            slots = cycles.slots(steps)
            if not last:
                slots[steps.final] = _NO_SLOT  # their end is yet to come
            made = cycles.of(steps, slots) if whole else {"raw_steps": _some(steps, slots)}
            return {**made, "raw_life_events": transitions.life_events(events)}

        def each() -> Iterator[tuple[Chunk, bool]]:
            events: list[pa.Table] = []
            wanted = _FIRST
            for piece in pieces:
                events.append(piece)
                if sum(piece.num_rows for piece in events) >= wanted:
                    yield chunk(events), False
                    events = []
                    wanted = EVENTS
            yield chunk(events, last=True), True

        waiting: dict[str, list[pa.Table]] = {}
        with _ahead(each()) as coming:
            for made, last in coming:
                if not whole:
                    con.register("raw_steps", made.pop("raw_steps"))
                    periods = _Periods(con.sql("FROM int_periods() ORDER BY number, ts, ts_end"))
                    con.register("raw_steps", NOTHING["raw_steps"])
                    made |= cycles.of(periods, cycles.slots(periods))
                if last:
                    made["raw_wake_numbers"] = cycles.wakes.frequent()
                for name in made.keys() - {"raw_cycles"}:
                    waiting.setdefault(name, []).append(made.pop(name))
                for name, tables in waiting.items():
                    if last or sum(table.num_rows for table in tables) >= _MANY:
                        made[name] = pa.concat_tables(tables)
                        tables.clear()
                yield made


@contextlib.contextmanager
def _ahead(items: Iterator[T], most: int = 1) -> Iterator[Iterator[T]]:
    """The same, made by a thread from now on, up to so many before they are used."""
    thread = ThreadPoolExecutor(1)
    coming = deque(thread.submit(next, items, None) for _ in range(most))

    def each() -> Iterator[T]:
        while (item := coming.popleft().result()) is not None:
            coming.append(thread.submit(next, items, None))
            yield item

    try:
        yield each()
    finally:
        with undisturbed():
            thread.shutdown(cancel_futures=True)


class _Steps(Protocol):
    """Steps, goroutine by goroutine, each one's in order."""

    pairs: npt.NDArray[np.uint16]  # what began and what ended each
    breaks: Mask  # which are not what follows the one before

    def at(self, places: Positions, where: Mask | None = None) -> _steps.Take:
        """Those of STEPS at some places, but for the pair; NULL except `where`."""
        ...

    def ended(self, places: Positions) -> pa.Array:
        """When those at some places ended."""
        ...


class _Periods:
    """What losses and closed recording windows leave of steps."""

    def __init__(self, rows: duckdb.DuckDBPyRelation) -> None:
        told = rows.to_arrow_table()
        self._columns = Columns(STEPS).of([told.select(STEPS.names).cast(STEPS)])
        pid, goid, ts = (told[name].to_numpy() for name in ("pid", "goid", "ts"))
        # As integers: where there are NULLs numpy would have floats, not exact beyond 2^53.
        ts_end = told["ts_end"].fill_null(-1).to_numpy()
        self.pairs = told["pair"].to_numpy().astype(np.uint16)
        self.breaks = np.ones(len(told), bool)
        self.breaks[1:] = (
            (pid[1:] != pid[:-1])
            | (goid[1:] != goid[:-1])
            | (ts[1:] != ts_end[:-1])
            | (self.pairs[1:] >> 8 != self.pairs[:-1] & 0xFF)
        )

    def at(self, places: Positions, where: Mask | None = None) -> _steps.Take:
        here = pa.array(places.astype(np.uint32))
        return lambda name: self._columns[name].at(here, where)

    def ended(self, places: Positions) -> pa.Array:
        return self.at(places)("ts_end")


def _some(steps: _Steps, slots: npt.NDArray[np.uint8]) -> pa.Table:
    """The steps that are in a cycle, as a table."""
    places = np.flatnonzero(slots != _NO_SLOT)
    take = steps.at(places)
    pairs = pa.array(steps.pairs.take(places))
    columns = (pairs if name == "pair" else take(name) for name in STEPS.names)
    return pa.table([pa.array(places), *columns], schema=_NUMBERED)


class _Cycles:
    """Puts steps that follow each other into one row."""

    def __init__(self, con: duckdb.DuckDBPyConnection, transitions: _steps.Transitions) -> None:
        self._kinds, self._reasons = transitions.kinds, transitions.reasons
        self._unseen = self._kinds.index("unseen")
        pairs = con.execute("SELECT pair, state, legal, woken FROM int_kind_pairs").fetchall()
        self._slots = np.full(1 << 16, _NO_SLOT, np.uint8)
        self._legal = np.zeros(1 << 16, bool)
        self._woken = np.zeros(1 << 16, bool)
        self._states = np.full(1 << 16, _steps.NONE, np.uint8)
        self._names = transitions.states
        for pair, state, legal, woken in pairs:
            self._slots[pair] = _SLOTS.index(state if state in _SLOTS else None)
            self._states[pair] = self._names.index(state) if state else _steps.NONE
            self._legal[pair], self._woken[pair] = legal, woken
        own = con.execute("SELECT enum_code(kind) FROM int_kinds WHERE own_stack").fetchall()
        self._own_stack = np.zeros(1 << 8, bool)  # of kinds
        self._own_stack[[code for (code,) in own]] = True
        self._inject = self._kinds.index("inject")
        self._io_wait = self._reasons.index("IO wait") if "IO wait" in self._reasons else None
        self._outlines: dict[int, int] = {}  # numbers of shapes but for their stacks, by their keys
        self._shapes: dict[int, int] = {}  # numbers of shapes, by those and stacks
        self.wakes = _wakes.Wakes()

    def slots(self, steps: _Steps) -> npt.NDArray[np.uint8]:
        """Which of _SLOTS each step is, or _NO_SLOT."""
        slots = self._slots.take(steps.pairs)
        unseen = np.flatnonzero(steps.pairs >> 8 == self._unseen)
        if len(unseen):
            # Where what was found tells at once how it went on, nothing was unseen.
            take = steps.at(unseen)
            none = pc.equal(take("ts"), take("ts_end")).fill_null(False)
            slots[unseen[none.to_numpy(zero_copy_only=False)]] = _NO_SLOT
        return slots

    def of(self, steps: _Steps, slots: npt.NDArray[np.uint8]) -> Chunk:
        """The cycles of some steps, and their shapes as far as they are new."""
        owns = self._own_stack.take(steps.pairs >> 8)
        # A stack of its own can only be the first one's of a row.
        places, there = _laid_out(slots, steps.breaks | owns)
        first = places[0]
        takes = [steps.at(place, here) for place, here in zip(places, there, strict=False)]
        at_first = steps.at(first)
        pairs = [
            np.where(here, steps.pairs.take(place, mode="clip"), _NO_PAIR)
            for place, here in zip(places, there, strict=False)
        ]
        reasons = takes[_WAIT]("reason")
        at_woken = steps.at(first, self._told(pairs[_WAIT], reasons))

        began = at_first("ts")

        def moment(number: int) -> pa.Array:
            """When what is in a slot begins, or would if there were something."""
            early = places[number] == first
            if early.all():
                return began
            ended = steps.ended(np.maximum(places[number] - 1, first))
            return pc.if_else(pa.array(early), began, ended) if early.any() else ended

        made: dict[str, Callable[[], pa.Array]] = {
            **{name: partial(moment, number) for number, name in enumerate(_MOMENTS)},
            **{name: partial(at_first, name) for name in ("pid", "goid")},
            **{name: partial(at_woken, name) for name in ("next_other", "next_stack")},
            **{name: partial(takes[slot], column) for name, (slot, column) in _OF_SLOTS.items()},
        }
        with ThreadPoolExecutor(_THREADS) as threads:
            columns = dict(zip(made, threads.map(lambda make: make(), made.values()), strict=True))
        flags = [
            *(take("certain").fill_null(False) for take in takes),
            columns["next_other"].is_valid(),
        ]
        stacks = steps.at(first, owns.take(first))("stack_id").fill_null(_NO_STACK)
        keys = _keys(pairs, reasons, flags)
        columns["shape"], shapes = self._shaped(keys, stacks.to_numpy())
        ended = pairs[_WAIT] & 0xFF != _steps.NONE
        self.wakes.add(*(columns[name].filter(ended) for name in ("pid", "next_other", "goid")))
        whole = pa.table([columns[name] for name in _CYCLES.names], schema=_CYCLES)
        return {
            "raw_cycles": pa.Table.from_batches(whole.to_batches(_BATCH), schema=_CYCLES),
            "raw_shapes": shapes,
        }

    def _told(self, waits: npt.NDArray[np.uint16], reasons: pa.Array) -> Mask:
        """Of which waits it is told who ended them."""
        told: Mask = self._woken.take(waits)
        if self._io_wait is not None:
            # Whoever polls the network by the way is not the cause of what comes from there.
            polled = pc.equal(reasons, self._io_wait).fill_null(False)
            told &= ~polled.to_numpy(zero_copy_only=False) | (waits & 0xFF != self._inject)
        return told

    def _shaped(self, keys: _Keys, stacks: npt.NDArray[np.int32]) -> tuple[pa.Array, pa.Table]:
        """The numbers of shapes, and those that are new."""
        outlines, _ = _numbered(keys, self._outlines)
        with_stacks = outlines.to_numpy().astype(np.uint64) << np.uint64(32) | stacks.view(
            np.uint32
        )
        shapes, new = _numbered(with_stacks, self._shapes)
        return shapes, self._described(np.array(new, np.uint64), len(self._shapes) - len(new))

    def _described(self, keys: _Keys, first: int) -> pa.Table:
        """The shapes with these keys, which are numbered from `first` on."""
        outlines = np.array([*self._outlines], np.uint64).take(keys >> np.uint64(32))
        stacks = keys.astype(np.uint32).view(np.int32)
        pairs, reasons, (*sure, told) = _parts(outlines)
        there = [pair != _NO_PAIR for pair in pairs]
        slots = np.arange(len(there))[:, np.newaxis]
        codes = np.select(there, pairs) >> 8
        kinds = [codes]
        for pair, here in zip(pairs, there, strict=True):
            codes = np.where(here, pair & 0xFF, codes)
            kinds.append(codes)
        certain = [self._legal.take(pair) & here for pair, here in zip(pairs, sure, strict=True)]
        columns = {
            "shape": np.arange(first, first + len(keys)),
            "first_state": np.where(there, slots, len(there)).min(axis=0),
            "last_state": np.where(there, slots, -1).max(axis=0),
            **{
                name: _named(kind.astype(np.uint8), self._kinds)
                for name, kind in zip(_KINDS, kinds, strict=True)
            },
            "run_state": _named(self._states.take(pairs[_RUN]), self._names),
            "reason": pa.DictionaryArray.from_arrays(reasons, self._reasons, safe=False),
            "stack_id": pa.array(stacks, mask=stacks == _NO_STACK),
            "told": told,
            "certain": sum(here.view(np.uint8) << slot for slot, here in enumerate(certain)),
        }
        return pa.table([columns[name] for name in _SHAPES.names], schema=_SHAPES)


def _laid_out(slots: npt.NDArray[np.uint8], breaks: Mask) -> tuple[list[Positions], list[Mask]]:
    """Of each cycle the places of what is in each slot and of what comes after it, and whether
    there is anything in each slot; before what is in `breaks` one ends.

    They come in the order in which they are to lie: by what is there, then by goroutine. So those
    with one state lie together, since to leave out some of a vector takes longer than to read it.
    """
    begins = breaks.copy()
    begins[1:] |= slots[1:] != slots[:-1] + 1
    begins &= slots != _NO_SLOT
    first = np.flatnonzero(begins)
    places, there = [first], []
    for slot in range(_NO_SLOT):
        place = places[slot]
        here = slots.take(place, mode="clip") == slot
        here &= (place == first) | ~begins.take(place, mode="clip") & (place < len(slots))
        places.append(place + here)
        there.append(here)
    sums = sum(here.view(np.uint8) << slot for slot, here in enumerate(there))
    order = np.argsort(_RANKS.take(sums), kind="stable")
    return [each.take(order) for each in places], [each.take(order) for each in there]


def _numbered(keys: _Keys, known: dict[int, int]) -> tuple[pa.Array, list[int]]:
    """The numbers of these keys, uint32, and which of them were not known before."""
    encoded = pa.array(keys).dictionary_encode()
    before = len(known)
    numbers = [known.setdefault(key, len(known)) for key in encoded.dictionary.to_pylist()]
    return pa.array(numbers, pa.uint32()).take(encoded.indices), [*known][before:]


def _keys(pairs: list[npt.NDArray[np.uint16]], reasons: pa.Array, flags: list[pa.Array]) -> _Keys:
    """What shapes are but for their stacks as numbers, from which `_parts` has it again."""
    keys: _Keys = reasons.cast(pa.int64()).fill_null(_NO_REASON).to_numpy().astype(np.uint64)
    for flag in flags:
        keys = keys << np.uint64(1) | flag.to_numpy(zero_copy_only=False)
    for pair in pairs:
        keys = keys << np.uint64(16) | pair
    return keys


def _parts(keys: _Keys) -> tuple[list[npt.NDArray[np.uint16]], pa.Array, list[Mask]]:
    """The pairs, reasons (int16) and flags that make these numbers."""
    pairs = [(keys >> 16 * n).astype(np.uint16) for n in reversed(range(len(_SLOTS)))]
    flags = [keys >> 16 * len(_SLOTS) + n & 1 != 0 for n in reversed(range(len(_SLOTS) + 1))]
    reasons = (keys >> 16 * len(_SLOTS) + len(flags)).astype(np.int16)
    return pairs, pa.array(reasons, mask=reasons == _NO_REASON), flags


def _named(codes: npt.NDArray[np.uint8], names: list[str]) -> pa.Array:
    """Names by their numbers; NULL where there is none."""
    none = codes == _steps.NONE
    numbers = pa.array(codes, mask=none if none.any() else None)
    return pa.DictionaryArray.from_arrays(numbers, names, safe=False)
