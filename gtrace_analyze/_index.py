"""The index file of a recording: where it lies, whether it is fresh, how it is replaced."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from gtrace_analyze import catalog
from gtrace_analyze._interrupts import undisturbed
from gtrace_analyze.recording import Recording
from gtrace_rec import __version__
from gtrace_rec.schema import MANIFEST

__all__ = ["Index"]

_NAME = "_index.duckdb"
# Rows that are skipped or read together, an eighth of DuckDB's own choice: what some goroutines did
# is found four times as fast, and all is as fast to write and to scan.
_ROW_GROUP = 16_384


@dataclass(frozen=True)
class Index:
    """The index of one recording, in one state of that recording and of the package's SQL."""

    files: tuple[Path, ...]  # where it may lie, best first
    key: str

    @classmethod
    def of(cls, recording: Recording) -> Index:
        directory = recording.parts[0].path.parent if recording.parts else recording.path
        inputs = [part.path for part in recording.parts]
        inputs += [side for side in recording.sides.values() if isinstance(side, Path)]
        inputs.append(directory / MANIFEST)
        facts = [__version__, duckdb.__version__, catalog.digest(), *map(str, recording.damage)]
        facts += [str(stream.num_rows) for stream in recording.streams]
        for file in inputs:
            stat = file.stat()
            facts.append(f"{file.relative_to(directory)} {stat.st_size} {stat.st_mtime_ns}")
        key = hashlib.sha256("\n".join(facts).encode()).hexdigest()
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gtrace"
        name = hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:24]
        return cls((directory / _NAME, cache / "index" / f"{name}.duckdb"), key)

    def open(self) -> duckdb.DuckDBPyConnection | None:
        """A connection to the fresh index, None if there is none."""
        for file in self.files:
            if not file.exists():
                continue
            # Attached, for connections to one file would share their settings.
            con = duckdb.connect()
            with contextlib.suppress(duckdb.Error):
                con.execute(f"ATTACH '{_quoted(file)}' AS gtrace (READ_ONLY)")
                con.execute("USE gtrace")
                if con.execute("SELECT key FROM _index").fetchall() == [(self.key,)]:
                    return con
            con.close()
        return None

    def drafts(self) -> Iterator[AbstractContextManager[duckdb.DuckDBPyConnection]]:
        """For each place that can be written, best first, how to build anew there.

        It gives a connection to fill, which becomes the index once it is left without error.
        """
        for file in self.files:
            with contextlib.suppress(OSError):
                file.parent.mkdir(parents=True, exist_ok=True)
                draft = file.with_name(f"{file.name}.{os.getpid()}")
                draft.unlink(missing_ok=True)
                draft.touch()
                draft.unlink()
                yield _building(file, draft, self.key)


def _quoted(file: Path) -> str:
    return str(file).replace("'", "''")


@contextlib.contextmanager
def _building(file: Path, draft: Path, key: str) -> Iterator[duckdb.DuckDBPyConnection]:
    con = duckdb.connect()
    try:
        con.execute(f"ATTACH '{_quoted(draft)}' AS gtrace (ROW_GROUP_SIZE {_ROW_GROUP})")
        con.execute("USE gtrace")
        # Once, at the end: each of many would write again what the file consists of.
        con.execute("SET wal_autocheckpoint = '1TB'")
        yield con
        con.execute("CREATE TABLE _index AS SELECT $key AS key", {"key": key})
        con.execute("CHECKPOINT")
        draft.replace(file)
    except BaseException:
        with undisturbed():
            con.close()
            draft.unlink(missing_ok=True)
            draft.with_name(f"{draft.name}.wal").unlink(missing_ok=True)
        raise
    # All is in the file: nobody has to wait until what took memory is freed.
    threading.Thread(target=con.close).start()
