"""Files that survive a crash: append-only Arrow IPC streams that turn into Parquet when complete.

A stream is readable up to its last whole batch whatever happens to its writer. Parquet files
appear by rename, so they are whole or absent.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_ROW_GROUP = 512 * 1024  # rows, about


class _WholeWrites(io.FileIO):
    """An unbuffered file that never writes a part without saying so, as one on a full disk may."""

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        done = 0
        while done < len(view):
            done += super().write(view[done:]) or 0
        return done


class Stream:
    """One table being appended to, as an Arrow IPC stream on disk."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.schema = schema
        self.rows = 0
        self.bytes = 0
        self._file = _WholeWrites(path, "x")
        self._writer = pa.ipc.new_stream(self._file, schema)

    def append(self, batch: pa.RecordBatch) -> int:
        """Write a batch through to the kernel; returns the bytes written.

        Raises OSError, with the stream as it was before, if the disk refuses.
        """
        if not batch.num_rows:
            return 0
        before = self._file.tell()
        try:
            self._writer.write_batch(batch)
        except OSError:
            # A torn message would hide whatever is appended after it.
            self._file.truncate(before)
            self._file.seek(before)
            raise
        self.rows += batch.num_rows
        written: int = self._file.tell() - before
        self.bytes += written
        return written

    def close(self) -> None:
        """End the stream properly."""
        self._writer.close()
        self._file.close()


def read_stream(path: Path) -> Iterator[pa.RecordBatch]:
    """The whole batches of a stream, which may be cut anywhere."""
    with path.open("rb") as file:
        try:
            reader = pa.ipc.open_stream(file)
            yield from reader
        except (pa.ArrowInvalid, OSError, StopIteration):
            return


def to_parquet(stream: Path, target: Path, schema: pa.Schema) -> int:
    """Turn a stream into a Parquet file, atomically, and remove the stream; returns its size."""
    hidden = target.with_name(f".{target.name}.tmp")
    target.parent.mkdir(exist_ok=True)
    try:
        _write_parquet(stream, hidden, schema)
        os.replace(hidden, target)
    except BaseException:
        hidden.unlink(missing_ok=True)
        raise
    stream.unlink()
    return target.stat().st_size


def _write_parquet(stream: Path, target: Path, schema: pa.Schema) -> None:
    with pq.ParquetWriter(target, schema, **_parquet_options(schema)) as writer:
        held: list[pa.RecordBatch] = []
        rows = 0

        def write() -> None:
            groups = max(round(rows / _ROW_GROUP), 1)
            size = -(-rows // groups)
            writer.write_table(pa.Table.from_batches(held, schema), row_group_size=size)

        for batch in read_stream(stream):
            held.append(batch)
            rows += batch.num_rows
            if rows >= _ROW_GROUP:
                write()
                held, rows = [], 0
        if rows:
            write()


def _parquet_options(schema: pa.Schema) -> dict[str, object]:
    """Encodings: times rise steadily and pack well as deltas; most else repeats.

    Goroutines and channels are too many for a dictionary to pay: plain, they take a third of the
    processor time, and are smaller once compressed. Statistics are for what is searched by.
    """
    deltas, plain, searched = {"ts"}, {"goid", "other_goid", "obj"}, {"ts", "goid"}
    present = set(schema.names)
    return {
        "compression": "zstd",
        "use_dictionary": [
            f.name
            for f in schema
            if f.name not in deltas | plain and not pa.types.is_nested(f.type)
        ],
        "column_encoding": dict.fromkeys(deltas & present, "DELTA_BINARY_PACKED") or None,
        "write_statistics": sorted(searched & present),
        "store_schema": True,
    }
