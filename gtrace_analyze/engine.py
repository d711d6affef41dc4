"""A recording opened in DuckDB: its files bound as ``raw_`` tables, the package's SQL on top.

What the SQL files create as tables is computed once: for a small recording in memory, for a large
one in an index, a DuckDB file beside the recording (or in the user's cache, where that is
read-only). The index is thrown away when the recording or the SQL changes.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from gtrace_analyze import _cycles, catalog
from gtrace_analyze._binding import bind
from gtrace_analyze._columns import reusing_memory
from gtrace_analyze._errors import DamageError, QueryError, TraceError
from gtrace_analyze._index import Index
from gtrace_analyze._interrupts import interruptible
from gtrace_analyze._turns import make_all
from gtrace_analyze.catalog import SqlObject
from gtrace_analyze.recording import Recording, read
from gtrace_rec import __version__

__all__ = ["Engine", "connect"]

# Below this many events, building in memory is quicker than a user can tell.
_INDEX_FROM = 200_000
_MEMORY = 3_000_000_000  # bytes that DuckDB may use, of 4 GB in all: not everything is counted
_MEMORY_AN_EVENT = 15  # if that is more, and the machine has it: quantiles keep all lengths
_BINARY = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")

_KEPT = 64  # queries
# Answers are kept of queries without parameters: of the tables that analyses begin with.
_KEPT_ROWS = 1000
_KEPT_BYTES = 4_000_000
# Quantiles take the memory of all lengths once for each level: from so many events on, these are
# made one after the other.
_BY_LEVEL_FROM = 50_000_000
_LEVELS = {
    "park_stats": ("reason", "function", "stack", "channel"),
    "latency_stats": ("all", "cause", "function", "site"),
}

K = TypeVar("K")
T = TypeVar("T")
Progress = Callable[[str, int, int], None]
Parameters = Mapping[str, Any]


class Engine:
    """An open recording. The connection can read it and nothing else.

    Views, and for a small recording tables, are made when a query first mentions them. ``unkept``
    says why that is so of a large one: its index could be written nowhere.
    """

    def __init__(
        self,
        recording: Recording,
        con: duckdb.DuckDBPyConnection,
        missing: Iterable[SqlObject],
        unkept: str | None = None,
    ) -> None:
        self.recording = recording
        self.unkept = unkept
        self._con = con
        self._missing = {o.name: o for o in missing}
        self._kept: dict[tuple[str, str], duckdb.DuckDBPyRelation] = {}
        self._tables: dict[str, pa.Table] = {}
        self._rows: dict[str, tuple[list[str], list[tuple[Any, ...]]]] = {}
        self._made: dict[Callable[[Engine], Any], Any] = {}

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The connection, with everything in it."""
        self.provide(self._missing.copy())
        return self._con

    @cached_property
    def span(self) -> tuple[int, int]:
        """The first and the last moment recorded, ns CLOCK_MONOTONIC."""
        return self.facts["ts"], self.facts["ts_end"]

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The row of the view `recording`."""
        (row,) = self.rows("FROM recording")
        return row

    def once(self, make: Callable[[Engine], T]) -> T:
        """What `make` makes of this engine, made the first time: a recording does not change."""
        if make not in self._made:
            self._made[make] = make(self)
        return self._made[make]  # type: ignore[no-any-return]

    def table(self, sql: str, parameters: Parameters | None = None) -> pa.Table:
        """The rows of one of the package's own queries."""
        if not parameters and sql in self._tables:
            return self._tables[sql]
        self.provide(_words(sql))
        with _naming_damage(self.recording):
            found = self._bound(sql, parameters).to_arrow_table()
        if not parameters and found.nbytes <= _KEPT_BYTES:
            _keep(self._tables, sql, found)
        return found

    def rows(self, sql: str, parameters: Parameters | None = None) -> list[dict[str, Any]]:
        """The same as dicts. Not by way of Arrow, which takes longer than a small query itself."""
        if not parameters and sql in self._rows:
            names, rows = self._rows[sql]
        else:
            self.provide(_words(sql))
            with _naming_damage(self.recording):
                result = self._con.execute(sql, parameters or None)
                names = [column[0] for column in result.description or ()]
                rows = result.fetchall()
            if not parameters and len(rows) <= _KEPT_ROWS:
                _keep(self._rows, sql, (names, rows))
        return [dict(zip(names, row, strict=True)) for row in rows]

    def reader(self, sql: str, parameters: Parameters | None, rows: int) -> pa.RecordBatchReader:
        """The same in batches of so many rows. Until the last is read, nothing else can run."""
        self.provide(_words(sql))
        with _naming_damage(self.recording):
            return self._bound(sql, parameters).to_arrow_reader(rows)

    def tables(self, sql: str, parameters: Parameters | None, rows: int) -> Iterator[pa.Table]:
        """The same in tables of so many rows or a few more, at least one."""
        reader = self.reader(sql, parameters, rows)
        batches: list[pa.RecordBatch] = []
        for batch in reader:
            batches.append(batch)
            if sum(each.num_rows for each in batches) >= rows:
                yield pa.Table.from_batches(batches)
                batches = []
        yield pa.Table.from_batches(batches, reader.schema)

    def _bound(self, sql: str, parameters: Parameters | None) -> duckdb.DuckDBPyRelation:
        """A query ready to run; the last ones are kept, for this is a third of what one takes."""
        key = (sql, repr(parameters))
        found = self._kept.pop(key, None)
        if found is None:
            found = self._con.sql(sql, params=parameters or None)
        _keep(self._kept, key, found)  # the one used last is the last
        return found

    def query(self, sql: str) -> pa.Table:
        """The rows of a user's query.

        Raises QueryError, with DuckDB's own explanation, if it is wrong, would change something, or
        is several at once.
        """
        try:
            sql.encode()
            statements = self._con.extract_statements(sql)
        except UnicodeEncodeError as e:
            raise QueryError(f"the query is no UTF-8 from character {e.start + 1} on") from None
        except duckdb.Error as e:
            raise QueryError(_first_lines(e)) from None
        if not statements:
            raise QueryError("no SQL given; try: SELECT * FROM recording")
        for statement in statements:
            if what := self._other_than_a_query(statement):
                raise QueryError(f"only queries can be run here, not {what}")
        if len(statements) > 1:
            raise QueryError(f"{len(statements)} statements given; one at a time")
        words = _words(sql)
        self.provide(self._missing.copy() if words & _LOOKING_AROUND else words)
        try:
            with interruptible():
                return self._con.sql(sql).to_arrow_table()
        except duckdb.Error as e:
            raise QueryError(_first_lines(e)) from None

    def _other_than_a_query(self, statement: duckdb.Statement) -> str | None:
        """What a statement is, None for a query. EXPLAIN ANALYZE does what it explains."""
        if statement.type == duckdb.StatementType.MULTI:
            return "PIVOT without IN (...), which makes a type; name the columns: ON x IN (a, b)"
        if statement.type != duckdb.StatementType.EXPLAIN:
            return None if statement.type in _READS else statement.type.name
        inner = _EXPLAIN.sub("", statement.query, count=1)
        try:
            kinds = {s.type for s in self._con.extract_statements(inner)}
        except duckdb.Error:
            kinds = set()
        return None if kinds and kinds <= _READS else "an EXPLAIN of something that is no query"

    def close(self) -> None:
        self._con.close()

    def interrupt(self) -> None:
        """Have what another thread runs here fail soon."""
        self._con.interrupt()

    def lacks(self, name: str) -> bool:
        """Whether this one is not there yet."""
        return name in self._missing

    def provide(self, names: Iterable[str]) -> None:
        """Make what of these is not there yet, and what it needs."""
        with _naming_damage(self.recording):
            for name in names:
                if name in _cycles.TABLES and name in self._missing:
                    self.fill()
                elif o := self._missing.pop(name, None):
                    self.make(o)

    def make(self, o: SqlObject) -> None:
        """Make this one, and what it needs that is not there yet."""
        with _naming_damage(self.recording):
            self.provide(o.uses)
            if o.name in _LEVELS and self.recording.rows >= _BY_LEVEL_FROM:
                self._add_levels(o, _LEVELS[o.name])
            else:
                self._con.execute(o.sql)

    def _add_levels(self, table: SqlObject, levels: Sequence[str]) -> None:
        """Make this one, a level after the other: it takes longer, but less memory."""
        source = f"{table.name}_at"
        self.provide([source])
        for number, level in enumerate(levels):
            query = f"FROM {source}(NULL, NULL, NULL, NULL, '{level}')"
            insert = f"INSERT INTO {table.name} {query}"
            self._con.execute(insert if number else table.sql.replace(table.query, query))

    def fill(self, step: Callable[[], None] | None = None) -> None:
        """Make the tables that are made of chunks; after each, call `step`."""
        tables = [self._missing.pop(name) for name in _cycles.TABLES]

        def prepare() -> None:
            self.provide({*_cycles.SOURCES}.union(*(o.uses for o in tables)))
            for o in tables:
                self._con.execute(o.sql)  # of NOTHING

        with _naming_damage(self.recording), reusing_memory():
            for chunk in _cycles.chunks(self._con, self.recording, prepare):
                _register(self._con, chunk)
                for o in tables:
                    if _cycles.TABLES[o.name] in chunk:
                        self._con.execute(f"INSERT INTO {o.name} {o.query}")
                if step:
                    step()
            _register(self._con, _cycles.NOTHING)


def _keep(kept: dict[K, T], key: K, value: T) -> None:
    kept[key] = value
    if len(kept) > _KEPT:
        del kept[next(iter(kept))]


# Words of a query whose answer is what there is to query.
_LOOKING_AROUND = {"show", "describe", "information_schema", "duckdb_views", "duckdb_tables"}


@lru_cache(256)
def _words(sql: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", sql.lower()))


_READS = {duckdb.StatementType.SELECT, duckdb.StatementType.RELATION}
_EXPLAIN = re.compile(
    r"^(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*EXPLAIN\b(?:\s*ANALYZE\b)?(?:\s*\([^)]*\))?",
    re.IGNORECASE | re.DOTALL,
)


def connect(path: Path, progress: Progress | None = None) -> Engine:
    """Open the recording at `path`.

    `progress(what, done, total)` is called while tables are computed. Raises TraceError if it is
    not a recording. Parts that turn out to be damaged inside are left out, and noted in `health`.
    """
    recording = read(path)
    while True:
        try:
            return _connect(recording, progress)
        except DamageError as e:
            recording = recording.without(e.name, e.why)


def _connect(recording: Recording, progress: Progress | None) -> Engine:
    objects = catalog.load()
    con, unkept = None, None
    if _wants_index(recording):
        con, unkept = _indexed(Index.of(recording), recording, progress)
    if con is not None:
        objects = tuple(o for o in objects if o.kind != "table")
    con = con or duckdb.connect()
    _prepare(con, recording)
    _close_doors(con, recording)
    engine = Engine(recording, con, objects, unkept)
    # These are needed soon anyway, and parts damaged inside can be left out only now. But what
    # is being written may be large, and whoever watches it opens it again and again.
    if recording.status != "recording":
        engine.provide(_cycles.TABLES)
    return engine


def _indexed(
    index: Index, recording: Recording, progress: Progress | None
) -> tuple[duckdb.DuckDBPyConnection | None, str | None]:
    """Open the index, built now if there is none; if it can be written nowhere, None and why."""
    if con := index.open():
        return con, None
    why = "no place for it can be written"
    for draft in index.drafts():
        try:
            with draft as con:
                _build(con, recording, progress)
        except duckdb.Error as e:
            if not _is_of_writing(e):
                raise
            why = _first_lines(e)
        else:
            return index.open(), None
    return None, why


def _build(con: duckdb.DuckDBPyConnection, recording: Recording, progress: Progress | None) -> None:
    """Compute all tables once, most of them two at a time: while one of them is planned, or ends,
    no more than one processor is busy."""
    objects = catalog.load()
    tables = [o for o in objects if o.kind == "table"]
    total = recording.rows // _cycles.EVENTS + len(tables)
    done = 0

    def step(name: str) -> None:
        nonlocal done
        if progress:
            progress(name, done, total)
        done += 1

    _prepare(con, recording)
    engine = Engine(recording, con, objects)
    step("int_cycles")
    engine.fill(lambda: step("int_cycles"))
    missing = [o for o in tables if engine.lacks(o.name)]
    done = total - len(missing)
    others = [o for o in objects if o.kind != "table"]
    makers = [Engine(recording, con, (o for o in others if engine.lacks(o.name)))]
    with contextlib.closing(con.cursor()) as second:
        if recording.rows < _BY_LEVEL_FROM:  # of more, one takes much memory
            second.execute("USE gtrace")
            _bind(second, recording)
            makers.append(Engine(recording, second, others))
        make_all(missing, objects, makers, step)
    if progress:
        progress("done", total, total)


def _is_of_writing(error: Exception) -> bool:
    """Whether it came of a disk that is full: of several classes, so by what they say."""
    return isinstance(error, duckdb.Error) and "Could not write" in str(error)


def _wants_index(recording: Recording) -> bool:
    return recording.status != "recording" and recording.rows >= _INDEX_FROM


def _prepare(con: duckdb.DuckDBPyConnection, recording: Recording) -> None:
    spill = Path(tempfile.gettempdir()) / f"gtrace-{os.getpid()}"
    con.execute(f"SET memory_limit = '{_memory(con, recording.rows)}B'")
    con.execute("SET temp_directory = ?", [str(spill)])
    con.execute("SET preserve_insertion_order = false")
    con.execute("SET python_enable_replacements = false")
    # It is on in notebooks that can draw it. In others, DuckDB refuses even to turn it off.
    if con.execute("SELECT current_setting('enable_progress_bar')").fetchall() == [(True,)]:
        con.execute("SET enable_progress_bar = false")
    _bind(con, recording)


def _bind(con: duckdb.DuckDBPyConnection, recording: Recording) -> None:
    with _naming_damage(recording):
        bind(con, recording)
    _register(con, _cycles.NOTHING)


def _memory(con: duckdb.DuckDBPyConnection, events: int) -> int:
    """How many bytes DuckDB may use; at most the part of this machine's that it sets itself."""
    ((limit,),) = con.execute("SELECT current_setting('memory_limit')").fetchall()
    size, unit = limit.split()
    own = int(float(size) * 1024 ** _BINARY.index(unit))
    return min(own, max(_MEMORY, events * _MEMORY_AN_EVENT))


def _register(con: duckdb.DuckDBPyConnection, chunk: _cycles.Chunk) -> None:
    for name, table in chunk.items():
        con.register(name, table)


def _close_doors(con: duckdb.DuckDBPyConnection, recording: Recording) -> None:
    """From here on, the connection reaches the recording's own files and no other."""
    files = [part.path for part in recording.parts]
    files += [side for side in recording.sides.values() if isinstance(side, Path)]
    con.execute("SET allowed_paths = $files", {"files": [str(file) for file in files]})
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")


@contextlib.contextmanager
def _naming_damage(recording: Recording) -> Iterator[None]:
    """Turn a failure to read a file into an error that names the file."""
    try:
        with interruptible():
            yield
    except duckdb.OutOfMemoryException as e:
        short = _first_lines(e).partition(" Possible solutions")[0]
        raise TraceError(
            f"{recording.path}: {recording.rows:,} events take more memory to analyze than is "
            f"allowed here ({short}); record fewer at once (--plan, --max-overhead), or copy the "
            "recording to a machine with more"
        ) from None
    except (duckdb.Error, pa.ArrowException, OSError) as e:
        if _is_of_writing(e):
            raise
        for name, side in recording.sides.items():
            if isinstance(side, Path) and (why := _unreadable(side)):
                raise TraceError(
                    f"{side}: {why}; without the table of {name} this recording cannot be "
                    "analyzed, but its events can be read as plain Parquet. A copy of the file "
                    "from elsewhere makes it whole again"
                ) from None
        for part in recording.parts:
            if why := _unreadable(part.path):
                raise DamageError(part.path, why) from None
        if isinstance(e, duckdb.ConversionException) and re.search(r"event_kind|ENUM\(", str(e)):
            raise TraceError(
                f"{recording.path}: recorded by gtrace {recording.manifest.tool_version}, holds "
                f"what gtrace {__version__} does not know ({_first_lines(e)}); update this one"
            ) from None
        raise e


def _unreadable(file: Path) -> str | None:
    """Why a file cannot be read to its end, None if it can."""
    try:
        with file.open("rb"), duckdb.connect() as con:
            con.execute("SELECT sum(hash(r)) FROM read_parquet($file) AS r", {"file": str(file)})
    except OSError as e:
        return f"cannot be opened ({e.strerror})"
    except duckdb.Error as e:
        return f"is damaged ({_first_lines(e)})"
    return None


def _first_lines(error: Exception) -> str:
    """DuckDB's explanation up to the picture of the statement, in one line."""
    text = str(error).split("\n\nLINE")[0]
    return " ".join(text.split())
