"""What was recorded, how trustworthy it is, and what stands out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gtrace_analyze.analyses import health, leaks, park
from gtrace_analyze.analyses.leaks import LeakGroup
from gtrace_analyze.engine import Engine

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
    FROM creation_sites
"""
_SITES = """
    SELECT created_by, created_at, function, at_start, created, ended, live
    FROM creation_sites WHERE NOT system
    ORDER BY created - ended DESC, created DESC, created_at, function LIMIT $most
"""


def collect(engine: Engine, most: int = 5) -> Summary:
    """The summary, with the `most` outstanding creation sites and places of waiting."""
    manifest = engine.recording.manifest
    (recording,) = engine.rows("FROM recording")
    (goroutines,) = engine.rows(_GOROUTINES)
    (size,) = engine.rows("SELECT coalesce(sum(bytes), 0)::BIGINT AS bytes FROM stg_parts")
    wall = engine.rows(
        "SELECT wall_ns - mono_ns + r.ts AS start FROM stg_clock CROSS JOIN recording AS r "
        "ORDER BY abs(mono_ns - r.ts) LIMIT 1"
    )
    counts = engine.rows("SELECT kind, events FROM event_counts ORDER BY events DESC")
    return Summary(
        recording=recording,
        wall_start_ns=wall[0]["start"] if wall else None,
        host=manifest.host,
        targets=engine.rows(_TARGETS),
        events={row["kind"]: row["events"] for row in counts},
        bytes=size["bytes"],
        goroutines=goroutines,
        sites=engine.table(_SITES, {"most": most}),
        parks=park.collect(engine).slice(0, most),
        leaks=leaks.collect(engine),
        notes=health.notes(engine),
    )
