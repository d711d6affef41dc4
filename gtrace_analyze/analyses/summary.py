"""What was recorded, how trustworthy it is, and what stands out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gtrace_analyze.analyses import health, leaks, park
from gtrace_analyze.analyses._order import ordered
from gtrace_analyze.analyses.leaks import LeakGroup
from gtrace_analyze.engine import Engine
from gtrace_analyze.selection import ALL, Selection
from gtrace_rec.schema import Manifest

__all__ = ["Summary", "collect"]


@dataclass(frozen=True)
class Summary:
    """The recording at a glance. Times are ns, sizes bytes.

    ``recording`` is the row of the view `recording`; ``targets`` one dict per process;
    ``goroutines`` has at_start, created, ended, live, system_live; ``sites`` are creation sites by
    growth, ``parks`` waits by stack, ``leaks`` the groups with a verdict of leak or suspect.
    ``unreadable`` are the files of events that cannot be read.
    """

    recording: dict[str, Any]
    wall_start_ns: int | None
    host: dict[str, str]
    targets: list[dict[str, Any]]
    events: dict[str, int]
    bytes: int
    goroutines: dict[str, int]
    sites: pa.Table
    parks: pa.Table
    leaks: list[LeakGroup]
    notes: list[str]
    unreadable: list[str]


_SITES = """
    SELECT created_by, created_at, function, at_start, created, ended, live, system,
        created - ended AS growth
    FROM creation_sites{between}
"""
_OF_EXE = ("path", "go_version", "arch")
_OF_PROCESS = ("argv", "launched", "ended_ts", "exit_status")
_COUNTS = "SELECT kind, {events} AS events FROM {source} ORDER BY events DESC, kind"
_IN_SPAN = "stg_events WHERE ts BETWEEN $start AND $end GROUP BY kind"


def collect(
    engine: Engine,
    most: int = 5,
    selection: Selection = ALL,
    found: list[LeakGroup] | None = None,
    parks: pa.Table | None = None,
) -> Summary:
    """The summary, with the `most` outstanding creation sites and places of waiting.

    ``found`` and ``parks`` are what `leaks` and `park` tell of the selection, if that is known.

    Of a selection, only the time counts: then `recording` begins and ends with it. What is told of
    targets, bytes and losses is always of all that was recorded.
    """
    manifest = engine.recording.manifest
    start, end = selection.span(engine)
    between, span = selection.between(engine)
    recording = engine.facts
    if span:
        recording = recording | {"ts": start, "ts_end": end, "dur": end - start}
    found_sites = engine.table(_SITES.format(between=between), span)
    made = ordered(found_sites, "-growth", "-created", "created_at", "function")
    events, source = ("count(*)", _IN_SPAN) if span else ("events", "event_counts")
    counts = engine.rows(_COUNTS.format(events=events, source=source), span)
    return Summary(
        recording=recording,
        wall_start_ns=_wall(manifest, start),
        host=manifest.host,
        targets=_targets(manifest),
        events={row["kind"]: row["events"] for row in counts},
        bytes=engine.recording.bytes,
        goroutines=_counts(made),
        sites=made.filter(pc.invert(made["system"]))
        .drop_columns(["system", "growth"])
        .slice(0, most),
        parks=(park.collect(engine, selection) if parks is None else parks).slice(0, most),
        leaks=leaks.collect(engine, selection) if found is None else found,
        notes=health.notes(engine),
        unreadable=[damage.name for damage in engine.recording.damage],
    )


def _counts(made: pa.Table) -> dict[str, int]:
    """Of all creation sites together."""
    counts = {n: pc.sum(made[n]).as_py() or 0 for n in ("at_start", "created", "ended", "live")}
    return counts | {"system_live": pc.sum(made.filter(made["system"])["live"]).as_py() or 0}


def _wall(manifest: Manifest, start: int) -> int | None:
    """The wall clock at `start`, by the reading nearest to it; None without any."""
    nearest = min(manifest.clock, key=lambda c: abs(c.mono_ns - start), default=None)
    return None if nearest is None else nearest.wall_ns - nearest.mono_ns + start


def _targets(manifest: Manifest) -> list[dict[str, Any]]:
    exes = {exe.exe: exe for exe in manifest.exes}
    return [
        {"pid": process.pid}
        | {name: getattr(exes.get(process.exe), name, None) for name in _OF_EXE}
        | {name: getattr(process, name) for name in _OF_PROCESS}
        for process in sorted(manifest.processes, key=lambda process: process.pid)
    ]
