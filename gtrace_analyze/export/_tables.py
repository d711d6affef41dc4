"""A recording as plain tables, for formats and servers that take rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import pyarrow as pa

from gtrace_analyze import catalog
from gtrace_analyze._errors import UsageError
from gtrace_analyze.engine import Engine
from gtrace_analyze.export._clock import Clock
from gtrace_analyze.export._streams import BATCH, batches
from gtrace_analyze.export._timeline import arguments
from gtrace_analyze.selection import Selection

__all__ = [
    "CHOSEN",
    "SELECTED",
    "TABLES",
    "Table",
    "Writer",
    "copy",
    "copy_all",
    "moment_of",
    "read",
    "schema",
    "table",
]

_TIME = pa.timestamp("ns", "UTC")
# To be put behind what has pid and goid: only selected goroutines, and then only within the time.
CHOSEN = "SEMI JOIN selected_goroutines($start, $end, $goids, $pattern) AS g USING (pid, goid)"
SELECTED = f"{CHOSEN} WHERE ts BETWEEN coalesce($start, ts) AND coalesce($end, ts)"


@dataclass(frozen=True)
class Table:
    """A table to export.

    The columns are those of the documented object of this name, or of `view`; before them stands a
    wall-clock twin of each of `moments`: `time` of `ts`, `time_end` of `ts_end`. `source` selects
    the rows.
    """

    name: str
    source: str
    key: tuple[str, ...]
    moments: tuple[str, ...] = ()
    view: str | None = None

    @property
    def doc(self) -> str:
        """What the rows are."""
        return self._object.doc.partition("\n\n")[0].replace("\n", " ")

    @property
    def columns(self) -> dict[str, str]:
        """All columns with their documentation."""
        times = {_twin(name): f"`{name}` on the wall clock" for name in self.moments}
        return times | self._object.columns

    @property
    def _object(self) -> catalog.SqlObject:
        return next(o for o in catalog.load() if o.name == (self.view or self.name))

    def query(self, engine: Engine, flat: bool) -> str:
        """The rows in order of `key`; if `flat`, lists and maps are JSON."""
        chosen = [
            f"to_json({c.name})::VARCHAR AS {c.name}"
            if flat and pa.types.is_nested(c.type)
            else c.name
            for c in schema(engine, self)
        ]
        return f"SELECT {', '.join(chosen)} FROM {self.source} ORDER BY {', '.join(self.key)}"


TABLES = {
    t.name: t
    for t in (
        Table("recording", "recording", ("ts",), ("ts", "ts_end")),
        Table(
            "events",
            f"events {SELECTED}",
            ("ts", "pid", "goid"),
            ("ts",),
        ),
        Table(
            "intervals",
            "selected_intervals($start, $end, $goids, $pattern)",
            ("pid", "goid", "ts"),
            ("ts", "ts_end"),
        ),
        Table(
            "goroutines",
            "selected_goroutines($start, $end, $goids, $pattern)",
            ("pid", "goid"),
            ("ts", "ts_end", "first_ts"),
        ),
        Table(
            "snapshots",
            f"stg_goroutines {SELECTED}",
            ("pid", "snapshot", "goid"),
            ("ts",),
            view="stg_goroutines",
        ),
        Table("stacks", "stacks", ("stack_id",)),
        Table("frames", "frames", ("stack_id", "frame")),
        Table(
            "wait_groups",
            "wait_groups",
            ("pid", "site", "reason", "created_at"),
            ("oldest_ts", "last_end_ts"),
        ),
        Table("exes", "stg_exes", ("exe",), view="stg_exes"),
        Table(
            "processes",
            "stg_processes",
            ("pid",),
            ("started_ts", "ended_ts"),
            view="stg_processes",
        ),
        Table(
            "gaps", "stg_gaps", ("ts", "ts_end", "pid", "cpu"), ("ts", "ts_end"), view="stg_gaps"
        ),
        Table("health", "health", ("severity", "name", "description")),
    )
}


def table(name: str) -> Table:
    """The table of this name. Raises UsageError if there is none."""
    if name not in TABLES:
        raise UsageError(f"{name!r} is no table; tables are {', '.join(TABLES)}")
    return TABLES[name]


def schema(engine: Engine, table: Table) -> pa.Schema:
    """The columns, without the wall-clock ones."""
    return engine.table(f"FROM {table.view or table.name} LIMIT 0").schema


def moment_of(table: Table, column: str) -> str | None:
    """The column of which this one is the wall-clock twin; None if it is none."""
    return next((name for name in table.moments if _twin(name) == column), None)


def read(
    engine: Engine, table: Table, selection: Selection, flat: bool, rows: int = BATCH
) -> Iterator[pa.RecordBatch]:
    """The rows of a table, at least one batch. With `flat`, all columns are plain values.

    Raises UsageError if no goroutine is in the selection.
    """
    clock = Clock.of(engine.recording.manifest)
    parameters = arguments(engine, selection)
    for batch in batches(engine, table.query(engine, flat), parameters, rows):
        yield _plain(_with_times(batch, table, clock)) if flat else _with_times(batch, table, clock)


class Writer(Protocol):
    """What pyarrow's writers have in common."""

    def write_batch(self, batch: pa.RecordBatch, /) -> None: ...
    def close(self) -> None: ...


def copy(
    engine: Engine,
    table: Table,
    selection: Selection,
    flat: bool,
    open_writer: Callable[[pa.Schema], Writer],
) -> str:
    """Write a table by the writer that `open_writer` makes; returns what was written."""
    rows = 0
    writer = None
    for batch in read(engine, table, selection, flat):
        writer = writer or open_writer(batch.schema)
        writer.write_batch(batch)
        rows += batch.num_rows
    if writer is not None:
        writer.close()
    return f"{rows:,} {table.name}"


def copy_all(directory: Path, suffix: str, write: Callable[[BinaryIO, str], str]) -> str:
    """Have each table written to a file of its name; returns what was written."""
    written = []
    for name in TABLES:
        with (directory / f"{name}{suffix}").open("wb") as out:
            written.append(write(out, name))
    return ", ".join(written)


def _with_times(batch: pa.RecordBatch, table: Table, clock: Clock) -> pa.RecordBatch:
    arrays = [_wall(batch.column(name), clock) for name in table.moments]
    names = [_twin(name) for name in table.moments]
    return pa.RecordBatch.from_arrays([*arrays, *batch.columns], [*names, *batch.schema.names])


def _twin(moment: str) -> str:
    return moment.replace("ts", "time")


def _wall(moments: pa.Array, clock: Clock) -> pa.Array:
    known = moments.is_valid().to_numpy(zero_copy_only=False)
    walls = clock.walls(moments.fill_null(0).to_numpy())
    return pa.array(walls, mask=~known).cast(_TIME)


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = [
        column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)
