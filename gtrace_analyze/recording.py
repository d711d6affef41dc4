"""Find a recording on disk and say what of it can be read.

A recording may be finished, still being written, or cut by a crash at any byte; see
``gtrace_rec.schema`` for the layout. Nothing here looks into the events.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gtrace_analyze._errors import TraceError
from gtrace_rec import schema

__all__ = ["Damage", "PartFile", "Recording", "expand", "read"]

_SIGNATURES = {b"\x7fELF": "a program", b"PAR1": "a Parquet file", b"\x1f\x8b": "a gzip file"}


@dataclass(frozen=True)
class PartFile:
    """A finished file of events that can be read."""

    path: Path
    rows: int


@dataclass(frozen=True)
class Damage:
    """A file that should be there and cannot be read. Its span of time is not seen."""

    name: str
    why: str
    rows: int | None
    first_ts: int | None
    last_ts: int | None


@dataclass(frozen=True)
class Recording:
    """What can be read of one recording.

    ``status`` is "stopped", "recording" (its recorder lives on this machine) or "cut".
    ``streams`` are the parts in progress, up to their last whole batch. ``missing`` are those of
    ``sides`` that should be there and are not; they have no rows.
    """

    path: Path
    manifest: schema.Manifest
    status: str
    parts: tuple[PartFile, ...]
    streams: tuple[pa.Table, ...]
    sides: Mapping[str, Path | pa.Table]
    missing: tuple[str, ...]
    damage: tuple[Damage, ...]

    @property
    def rows(self) -> int:
        """Events that can be read."""
        return sum(part.rows for part in self.parts) + sum(int(s.num_rows) for s in self.streams)

    @property
    def bytes(self) -> int:
        """How large those events are, on disk or in memory."""
        files = sum(part.path.stat().st_size for part in self.parts)
        return files + sum(int(stream.nbytes) for stream in self.streams)

    @property
    def watched(self) -> frozenset[str]:
        """The kinds of events that its probes yield."""
        probes = (probe for exe in self.manifest.exes for probe in exe.probes)
        return frozenset(probe.kind for probe in probes if probe.attached)

    def without(self, name: str, why: str) -> Recording:
        """The same recording, less a part that turned out to be damaged inside."""
        lost = next(part for part in self.parts if part.path.name == name)
        return replace(
            self,
            parts=tuple(part for part in self.parts if part is not lost),
            damage=(*self.damage, _damage(self.manifest, name, why, lost.rows)),
        )


def expand(patterns: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """The paths that these names mean; patterns that the shell left alone are expanded.

    Raises TraceError if a pattern matches nothing.
    """
    found: list[Path] = []
    for pattern in patterns:
        text = os.path.expanduser(os.fspath(pattern))
        if os.path.exists(text) or not glob.has_magic(text):
            matches = [text]
        else:
            matches = sorted(glob.glob(text, recursive=True))
            if not matches:
                raise TraceError(f"{text}: no recording matches this pattern")
        found.extend(Path(m) for m in matches if Path(m) not in found)
    return found


def read(path: Path) -> Recording:
    """Read what is known about the recording at `path`, a directory or a file inside one.

    Raises TraceError if there is none, its format is not known, or a file may not be read.
    """
    try:
        return _read(path)
    except OSError as e:
        advice = ""
        if isinstance(e, PermissionError):
            advice = f"; be the user who recorded it, or let all read it: sudo chmod -R a+rX {path}"
        raise TraceError(
            f"{e.filename or path}: cannot be read ({e.strerror or e}){advice}"
        ) from None


def _read(path: Path) -> Recording:
    directory = _locate(path)
    os.listdir(directory)  # where that is not allowed, glob finds nothing
    manifest = schema.parse_manifest(
        (directory / schema.MANIFEST).read_text(errors="replace"), directory / schema.MANIFEST
    )
    # Streams first: one that is rotated meanwhile is found again as a finished part.
    open_parts = {
        file.name: _read_stream(file, schema.EVENTS)
        for file in sorted(directory.glob("_part-*.arrows"))
    }
    status = _status(manifest)
    found = {name: _side(directory, name) for name in schema.SIDE_TABLES}
    missing = [name for name, side in found.items() if side is None and status == "stopped"]
    sides = {
        name: schema.SIDE_TABLES[name].empty_table() if side is None else side
        for name, side in found.items()
    }
    parts, damage = _parts(directory, manifest)
    published = {f"_{part.path.stem}.arrows" for part in parts}
    streams = [
        table for name, table in open_parts.items() if name not in published and table is not None
    ]
    return Recording(
        path=path,
        manifest=manifest,
        status=status,
        parts=tuple(parts),
        streams=tuple(streams),
        sides=sides,
        missing=tuple(missing),
        damage=tuple(damage),
    )


def _locate(path: Path) -> Path:
    if not path.exists():
        raise TraceError(f"{path}: no such recording")
    if path.is_dir():
        if (path / schema.MANIFEST).exists():
            return path
        inner = sorted(p.parent.name for p in path.glob(f"*/{schema.MANIFEST}"))
        if inner:
            some = ", ".join(inner[:3]) + (", …" if len(inner) > 3 else "")
            raise TraceError(f"{path}: not a recording but a directory of some ({some}); name one")
        streams = list(path.glob("_part-*.arrows"))
        if any(path.glob("part-*.parquet")) or any(s.stat().st_size for s in streams):
            raise TraceError(
                f"{path}: a recording without its {schema.MANIFEST}; restore that file or try "
                f"gtrace-rec recover {path}"
            )
        if streams:
            raise TraceError(
                f"{path}: nothing is recorded yet: the recorder is starting, which takes it some "
                "seconds, or was killed before it had"
            )
        what = "not a recording" if any(path.iterdir()) else "an empty directory"
        raise TraceError(f"{path}: {what} (there is no {schema.MANIFEST} in it)")
    if (path.parent / schema.MANIFEST).exists() and path.suffix in (".parquet", ".arrows", ".json"):
        return path.parent
    with path.open("rb") as file:
        head = file.read(4)
    for signature, what in _SIGNATURES.items():
        if head.startswith(signature):
            hint = f"; record it first: gtrace-rec --out trace.parquet -- {path}"
            raise TraceError(
                f"{path}: {what}, not a recording{hint if what == 'a program' else ''}"
            )
    raise TraceError(f"{path}: not a recording (a recording is a directory)")


def _parts(directory: Path, manifest: schema.Manifest) -> tuple[list[PartFile], list[Damage]]:
    parts, damage = [], []
    on_disk = {file.name: file for file in directory.glob("part-*.parquet")}
    for name in sorted(on_disk.keys() | {part.name for part in manifest.parts}):
        if name not in on_disk:
            damage.append(_damage(manifest, name, "is missing"))
            continue
        try:
            rows = pq.read_metadata(on_disk[name]).num_rows
        except (pa.ArrowException, OSError) as e:
            why = "cannot be opened" if isinstance(e, PermissionError) else "is damaged"
            damage.append(_damage(manifest, name, f"{why} ({_first_line(e)})"))
        else:
            parts.append(PartFile(on_disk[name], rows))
    return parts, damage


def _damage(manifest: schema.Manifest, name: str, why: str, rows: int | None = None) -> Damage:
    listed = next((part for part in manifest.parts if part.name == name), None)
    if listed is None:
        return Damage(name, why, rows, None, None)
    return Damage(name, why, listed.rows, listed.first_ts, listed.last_ts)


def _side(directory: Path, name: str) -> Path | pa.Table | None:
    finished = directory / schema.table_name(name)
    # Looked at last, since a recorder that stops meanwhile replaces the stream by the file.
    stream = _read_stream(directory / schema.open_table_name(name), schema.SIDE_TABLES[name])
    if finished.exists():
        finished.open("rb").close()  # who may not, is told at once
        return finished
    return stream


def _read_stream(file: Path, fields: pa.Schema) -> pa.Table | None:
    """All whole batches of a stream, None if the file has gone meanwhile."""
    batches: list[pa.RecordBatch] = []
    try:
        with pa.memory_map(str(file)) as source, pa.ipc.open_stream(source) as reader:
            # Rewritten to the contract's types: dictionaries may differ from batch to batch.
            batches.extend(reader)
    except FileNotFoundError:
        return None
    except PermissionError:
        raise
    except (pa.ArrowException, OSError, StopIteration):
        pass  # Cut here: what came before is whole.
    if not batches:
        return fields.empty_table()
    return pa.Table.from_batches(batches).unify_dictionaries()


def _status(manifest: schema.Manifest) -> str:
    if manifest.stopped_ts is not None:
        return "stopped"
    return "recording" if _is_alive(manifest.recorder) else "cut"


def _is_alive(recorder: schema.RecorderProcess) -> bool:
    """Whether this very process still runs on this machine (proc(5): /proc/pid/stat, field 22)."""
    try:
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        stat = Path(f"/proc/{recorder.pid}/stat").read_text()
    except OSError:
        return False
    start_ticks = int(stat.rpartition(")")[2].split()[19])
    return boot_id == recorder.boot_id.strip() and start_ticks == recorder.start_ticks


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
