"""Writes the recording's directory: parts of events, side tables and the manifest."""

from __future__ import annotations

import mmap
import os
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa

from gtrace_rec._errors import TraceError, UsageError
from gtrace_rec.schema import (
    EVENTS,
    MANIFEST,
    SIDE_TABLES,
    Manifest,
    Part,
    open_part_name,
    open_table_name,
    part_name,
    table_name,
)
from gtrace_rec.streams import Stream, to_parquet


def prepare_directory(path: Path, *, force: bool) -> None:
    """Make `path` an empty directory to record into.

    Raises UsageError if something is there that `force` may not remove, TraceError if the file
    system refuses.
    """
    try:
        if path.exists() and not path.is_dir():
            raise UsageError(f"--out {path}: is a file; name a new or empty directory")
        if path.is_dir() and any(path.iterdir()):
            if not force:
                raise UsageError(f"--out {path}: not empty; choose another name, or add --force")
            if not (path / MANIFEST).exists():
                raise UsageError(
                    f"--out {path}: holds no recording, so --force will not empty it; "
                    "choose another name"
                )
            shutil.rmtree(path)
        path.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise TraceError(f"--out {path}: {e.strerror}") from None


class Dataset:
    """A recording being written.

    Keeps a little of the disk in reserve, so that a full one can still be given a manifest and, as
    a rule, its last part as Parquet, which takes a tenth of the stream it replaces.
    """

    def __init__(self, path: Path, *, reserve: int) -> None:
        """Begin in the empty directory `path`. Raises TraceError if the disk refuses."""
        self.path = path
        self._reserve = path / ".reserve"
        try:
            with self._reserve.open("wb") as file:
                spare = min(reserve, shutil.disk_usage(path).free // 8)
                os.posix_fallocate(file.fileno(), 0, max(spare, mmap.PAGESIZE))
        except OSError as e:
            shutil.rmtree(path, ignore_errors=True)
            raise TraceError(f"--out {path}: {e.strerror}") from None
        self.parts: list[Part] = []
        self.full = False  # the disk is, and only the reserve is left: stop soon
        self.bytes_written = 0
        self._number = 0
        self._events = Stream(path / open_part_name(0), EVENTS)
        self._side = {
            name: Stream(path / open_table_name(name), schema)
            for name, schema in SIDE_TABLES.items()
        }
        self._span: tuple[int, int] | None = None
        self._converter = ThreadPoolExecutor(1, thread_name_prefix="parquet")
        self._converting: list[Future[Part]] = []

    @property
    def part_rows(self) -> int:
        """Rows in the part in progress."""
        return self._events.rows

    @property
    def part_bytes(self) -> int:
        """Bytes of the part in progress."""
        return self._events.bytes

    def append(self, table: str, batch: pa.RecordBatch) -> None:
        """Append rows to a side table."""
        self._append(self._side[table], batch)

    def append_events(self, batch: pa.RecordBatch) -> None:
        """Append events to the part in progress.

        Their stacks and symbols must have been appended before, so that whatever a crash leaves
        can be read in full.
        """
        if not batch.num_rows:
            return
        self._append(self._events, batch)
        ts = batch.column("ts").to_numpy()
        first, last = int(ts.min()), int(ts.max())
        if self._span:
            first, last = min(first, self._span[0]), max(last, self._span[1])
        self._span = (first, last)

    def _append(self, stream: Stream, batch: pa.RecordBatch) -> None:
        try:
            self.bytes_written += stream.append(batch)
        except OSError:
            # The reserve is for ending well; another append would leave a hole before it.
            self.full = True
            self.give_up_reserve()
            raise

    def rotate(self) -> None:
        """Begin a new part; the finished one becomes Parquet in the background."""
        if self._events.rows:
            self._close_part()

    def _close_part(self) -> None:
        done, number = self._events, self._number
        first, last = self._span or (0, 0)
        done.close()
        self._span = None
        self._number += 1
        self._events = Stream(self.path / open_part_name(self._number), EVENTS)
        self._converting.append(self._converter.submit(self._publish, done, number, first, last))

    def _publish(self, stream: Stream, number: int, first: int, last: int) -> Part:
        target = self.path / part_name(number)
        size = to_parquet(stream.path, target, EVENTS)
        return Part(target.name, stream.rows, first, last, size)

    def collect_parts(self, *, wait: bool = False) -> None:
        """Take note of the parts that became Parquet.

        Raises OSError if one could not be written; its stream is then kept, readable as it is.
        """
        while self._converting and (wait or self._converting[0].done()):
            part = self._converting.pop(0).result()
            self.parts.append(part)
            self.bytes_written += part.bytes

    def give_up_reserve(self) -> None:
        """The disk is full: what is left must be enough to end well."""
        self._reserve.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove a recording that never began."""
        self._converter.shutdown()
        shutil.rmtree(self.path, ignore_errors=True)

    def write_manifest(self, manifest: Manifest) -> None:
        """Replace the manifest, atomically."""
        target = self.path / MANIFEST
        hidden = self.path / f".{MANIFEST}.tmp"
        hidden.write_text(manifest.to_json(), encoding="utf-8")
        os.replace(hidden, target)

    def finish(self) -> None:
        """Turn everything still open into Parquet.

        Raises OSError if the disk refuses; what was appended stays readable as streams.
        """
        try:
            self.give_up_reserve()
            if self._events.rows or not self._number:
                self._close_part()  # an empty one, if there were no events, to be opened like any
            self._events.close()
            self.collect_parts(wait=True)
            self._events.path.unlink()
            for name, stream in self._side.items():
                stream.close()
                self.bytes_written += to_parquet(
                    stream.path, self.path / table_name(name), stream.schema
                )
        finally:
            self._converter.shutdown()

    @property
    def disk_bytes(self) -> int:
        """Bytes the recording takes on disk now."""
        return sum(f.stat().st_size for f in self.path.rglob("*") if f.is_file())
