"""What was recorded, how trustworthy it is, and what stands out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gtrace_analyze.analyses import health, leaks, park
from gtrace_analyze.analyses.leaks import LeakGroup
from gtrace_analyze.engine import Engine
from gtrace_analyze.selection import ALL, Selection

__all__ = ["Summary", "collect"]


@dataclass(frozen=True)
class Summary:
    """The recording at a glance. Times are ns, sizes bytes.

    ``recording`` is the row of the view `recording`; ``targets`` one dict per process;
    ``goroutines`` has at_start, created, ended, live, system_live; ``sites`` are creation sites by
    growth, ``parks`` waits by stack, ``leaks`` the groups with a verdict of leak or suspect.
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


_TARGETS = """
    SELECT p.pid, e.path, e.go_version, e.arch, p.argv, p.launched, p.ended_ts, p.exit_status
    FROM stg_processes AS p LEFT JOIN stg_exes AS e USING (exe) ORDER BY p.pid
"""
_GOROUTINES = """
    SELECT coalesce(sum(at_start), 0)::BIGINT AS at_start,
        coalesce(sum(created), 0)::BIGINT AS created,
        coalesce(sum(ended), 0)::BIGINT AS ended, coalesce(sum(live), 0)::BIGINT AS live,
        coalesce(sum(live) FILTER (system), 0)::BIGINT AS system_live
    FROM {creation_sites}
"""
_SITES = """
    SELECT created_by, created_at, function, at_start, created, ended, live
    FROM {creation_sites} WHERE NOT system
    ORDER BY created - ended DESC, created DESC, created_at, function LIMIT $most
"""


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
    span = {"start": start, "end": end} if selection.has_time else {}
    sites = "creation_sites_between($start, $end)" if span else "creation_sites"
    (recording,) = engine.rows("FROM recording")
    if span:
        recording |= {"ts": start, "ts_end": end, "dur": end - start}
    (goroutines,) = engine.rows(_GOROUTINES.format(creation_sites=sites), span)
    (size,) = engine.rows("SELECT coalesce(sum(bytes), 0)::BIGINT AS bytes FROM stg_parts")
    wall = engine.rows(
        "SELECT wall_ns - mono_ns + $start AS start FROM stg_clock "
        "ORDER BY abs(mono_ns - $start) LIMIT 1",
        {"start": start},
    )
    events, source = ("count(*)", _IN_SPAN) if span else ("events", "event_counts")
    counts = engine.rows(_COUNTS.format(events=events, source=source), span)
    return Summary(
        recording=recording,
        wall_start_ns=wall[0]["start"] if wall else None,
        host=manifest.host,
        targets=engine.rows(_TARGETS),
        events={row["kind"]: row["events"] for row in counts},
        bytes=size["bytes"],
        goroutines=goroutines,
        sites=engine.table(_SITES.format(creation_sites=sites), {"most": most, **span}),
        parks=(park.collect(engine, selection) if parks is None else parks).slice(0, most),
        leaks=leaks.collect(engine, selection) if found is None else found,
        notes=health.notes(engine),
    )
