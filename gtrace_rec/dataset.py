"""Writes the recording's directory: parts of events, side tables and the manifest."""

from __future__ import annotations

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
    part_name,
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
    """A recording being written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.parts: list[Part] = []
        self.bytes_written = 0
        self._number = 0
        self._events = Stream(path / open_part_name(0), EVENTS)
        self._side = {
            name: Stream(path / f"_{name}.arrows", schema) for name, schema in SIDE_TABLES.items()
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
        self.bytes_written += self._side[table].append(batch)

    def append_events(self, batch: pa.RecordBatch) -> None:
        """Append events to the part in progress.

        Their stacks and symbols must have been appended before, so that whatever a crash leaves
        can be read in full.
        """
        if not batch.num_rows:
            return
        self.bytes_written += self._events.append(batch)
        ts = batch.column("ts").to_numpy()
        first, last = int(ts.min()), int(ts.max())
        if self._span:
            first, last = min(first, self._span[0]), max(last, self._span[1])
        self._span = (first, last)

    def rotate(self) -> None:
        """Begin a new part; the finished one becomes Parquet in the background."""
        if not self._events.rows:
            return
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

    def collect_parts(self, *, wait: bool = False) -> bool:
        """Take note of parts that became Parquet; True if there were new ones.

        Raises TraceError if one could not be written; its stream is then kept as it is.
        """
        news = False
        while self._converting and (wait or self._converting[0].done()):
            future = self._converting.pop(0)
            try:
                part = future.result()
            except (OSError, pa.ArrowException) as e:
                raise TraceError(
                    f"{self.path}: a part could not be turned into Parquet ({e}); its events stay "
                    f"in _part-*.arrows, readable as they are"
                ) from e
            self.parts.append(part)
            self.bytes_written += part.bytes
            news = True
        return news

    def write_manifest(self, manifest: Manifest) -> None:
        """Replace the manifest, atomically."""
        target = self.path / MANIFEST
        hidden = self.path / f".{MANIFEST}.tmp"
        hidden.write_text(manifest.to_json(), encoding="utf-8")
        os.replace(hidden, target)

    def finish(self) -> None:
        """Turn everything still open into Parquet.

        Raises TraceError if the disk refuses; what was appended stays readable as streams.
        """
        self.rotate()
        self._events.close()
        for stream in self._side.values():
            stream.close()
        try:
            self.collect_parts(wait=True)
            self._events.path.unlink()
            for name, stream in self._side.items():
                self.bytes_written += to_parquet(
                    stream.path, self.path / f"_{name}.parquet", stream.schema
                )
        except (OSError, pa.ArrowException) as e:
            raise TraceError(f"{self.path}: {e}; what was recorded stays readable as it is") from e
        finally:
            self._converter.shutdown()

    @property
    def disk_bytes(self) -> int:
        """Bytes the recording takes on disk now."""
        return sum(f.stat().st_size for f in self.path.iterdir() if f.is_file())
