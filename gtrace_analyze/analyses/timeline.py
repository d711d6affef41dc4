"""What chosen goroutines did over time, and how many there were."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gtrace_analyze.analyses import leaks
from gtrace_analyze.engine import Engine
from gtrace_analyze.selection import ALL, Selection
from gtrace_analyze.units import short_function

__all__ = ["Lane", "Series", "Timeline", "collect"]


@dataclass(frozen=True)
class Lane:
    """One goroutine of the chart. `total` is how many its creation site has, shown or not."""

    pid: int
    goid: int
    created_by: str | None
    created_at: str | None
    function: str | None
    total: int
    verdict: str | None = None  # "leak" or "suspect", if it is in such a group

    @property
    def name(self) -> str:
        """What its creation site is called."""
        if self.function == "runtime.main":
            return "main goroutine"
        return short_function(self.created_by or self.function)


@dataclass(frozen=True)
class Series:
    """How many goroutines of a creation site are alive: `live[i]` from `ts[i]` on."""

    label: str
    ts: list[int]
    live: list[int]

    def at(self, ts: int) -> int:
        """How many are alive at a moment."""
        index = bisect_right(self.ts, ts) - 1
        return self.live[index] if index >= 0 else 0


@dataclass(frozen=True)
class Timeline:
    """A chart's data: lanes, what they did in each of `cells` equal parts of the time, and counts.

    ``shares`` has a row per lane, cell and state: pid, goid, cell, state, ns, certain.
    """

    start: int
    end: int
    recording_start: int
    cells: int
    lanes: list[Lane]
    shares: pa.Table
    live: list[Series]
    sees_syscalls: bool  # if not, time in system calls counts as running


# A few goroutines of each creation site, since those of one site behave alike: sites with most
# living goroutines first, and of each the ones that lived longest within the time shown.
_LANES = """
    WITH candidates AS (
        SELECT pid, goid, created_by, created_at, function, system,
            least(coalesce(ts_end, $end), $end) - greatest(first_ts, $start) AS lived
        FROM goroutines
        WHERE first_ts < $end AND (ts_end IS NULL OR ts_end > $start)
            AND ($goids IS NOT NULL OR NOT system)
            AND ($goids IS NULL OR list_contains($goids, goid))
            AND ($pattern IS NULL OR regexp_matches(coalesce(function, ''), $pattern)
                OR regexp_matches(coalesce(created_by, ''), $pattern)
                OR (pid, goid) IN (
                    SELECT (pid, goid) FROM intervals WHERE stack_id IN (
                        SELECT stack_id FROM frames WHERE regexp_matches(function, $pattern))))
    ),
    ranked AS (
        SELECT *,
            count(*) OVER site AS total,
            sum(lived) OVER site AS site_lived,
            row_number() OVER (
                PARTITION BY pid, created_by, created_at, function ORDER BY lived DESC, goid
            ) AS place
        FROM candidates
        WINDOW site AS (PARTITION BY pid, created_by, created_at, function)
    ),
    taken AS (
        SELECT * FROM ranked ORDER BY place, site_lived DESC, goid LIMIT $most
    )
    SELECT pid, goid, created_by, created_at, function, total FROM taken
    ORDER BY site_lived DESC, created_at, function, pid, place
"""
_LIVE = """
    SELECT created_by, created_at, ts, live FROM live_goroutines
    WHERE NOT system ORDER BY created_at, created_by, ts
"""


def collect(
    engine: Engine, selection: Selection = ALL, most: int = 32, cells: int = 1200
) -> Timeline:
    """At most `most` goroutines over the selected time, in `cells` parts."""
    start, end = selection.span(engine)
    (recording,) = engine.rows("SELECT ts FROM recording")
    parameters = selection.parameters(engine) | {"start": start, "end": end}
    verdicts = {
        (group.pid, goid): group.verdict
        for group in leaks.collect(engine, Selection(selection.start, selection.end))
        for goid in group.goids
    }
    lanes = [
        Lane(**row, verdict=verdicts.get((row["pid"], row["goid"])))
        for row in engine.rows(_LANES, parameters | {"most": most})
    ]
    who = [{"pid": lane.pid, "goid": lane.goid} for lane in lanes]
    shares = engine.table(
        "FROM timeline_cells($start, $end, $cells, $who::STRUCT(pid INTEGER, goid BIGINT)[])",
        {"start": start, "end": end, "cells": cells, "who": who},
    )
    live = _series(engine.rows(_LIVE))
    (sees,) = engine.rows("SELECT watched FROM stg_event_kinds WHERE kind = 'syscall_enter'")
    return Timeline(
        start, end, recording["ts"], cells, lanes, shares, live, sees_syscalls=sees["watched"]
    )


def _series(rows: list[dict[str, Any]]) -> list[Series]:
    """One series per creation site, the largest first."""
    sites: dict[tuple[str | None, str | None], tuple[list[int], list[int]]] = {}
    for row in rows:
        ts, live = sites.setdefault((row["created_by"], row["created_at"]), ([], []))
        ts.append(row["ts"])
        live.append(row["live"])
    series = [Series(by or "not known", *steps) for (by, _), steps in sites.items()]
    return sorted(series, key=lambda s: -max(s.live))
