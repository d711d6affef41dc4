"""What chosen goroutines did over time, and how many there were."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import pyarrow as pa

from gtrace_analyze.analyses import leaks
from gtrace_analyze.analyses.leaks import LeakGroup
from gtrace_analyze.engine import Engine
from gtrace_analyze.moments import Moments
from gtrace_analyze.selection import ALL, Selection
from gtrace_analyze.units import short_function

__all__ = ["Lane", "Series", "Timeline", "Wake", "collect"]


# More lanes than this make no picture, and more arrows a black one.
_MOST = 1000
_MOST_WAKES = 60


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
class Wake:
    """One goroutine of the chart made another one runnable at `ts`, ns."""

    pid: int
    ts: int
    waker_goid: int
    goid: int


@dataclass(frozen=True)
class Timeline:
    """A chart's data: lanes, what they did in each of `cells` equal parts of the time, and counts.

    ``shares`` has a row per lane, cell and state: pid, goid, cell, state, ns, certain.
    ``wakes`` are the wake-ups among the lanes, none if there are more than a picture can show:
    `wake_count` is how many there are.
    """

    start: int
    end: int
    recording_start: int
    cells: int
    lanes: list[Lane]
    shares: pa.Table
    live: list[Series]
    sees_syscalls: bool  # if not, time in system calls counts as running
    wakes: tuple[Wake, ...] = ()
    wake_count: int = 0
    started: str | None = None  # when the recording did, on the wall clock


# A few goroutines of each creation site, since those of one site behave alike: of each the ones
# that lived longest within the time shown.
_SITES = """
    WITH candidates AS (
        SELECT pid, goid, created_by, created_at, function,
            least(coalesce(ts_end, $end), $end) - greatest(first_ts, $start) AS lived
        FROM goroutines
        WHERE first_ts < $end AND (ts_end IS NULL OR ts_end > $start)
            AND ($goids IS NOT NULL OR NOT system)
            AND ($goids IS NULL OR list_contains($goids, goid))
            AND ($pattern IS NULL OR regexp_matches(function, $pattern)
                OR regexp_matches(created_by, $pattern)
                OR (pid, goid) IN (
                    SELECT pid, goid FROM int_intervals WHERE stack_id IN (
                        SELECT stack_id FROM frames WHERE regexp_matches(function, $pattern))))
    )
    SELECT pid, created_by, created_at, function, count(*) AS total, sum(lived) AS lived,
        max_by(goid, (lived, -goid), $most) AS goids
    FROM candidates
    GROUP BY pid, created_by, created_at, function
    ORDER BY lived DESC, created_at, function, pid
"""
# By a semi join on one column DuckDB skips what cannot match; by a list or by two columns it does
# not, which takes ten times as long. Most intervals lie within one cell, and only the others are
# spread over several. What is in whole cells is cut by sixty-four bits where those are enough.
_SHARES = """
    WITH who AS (
        SELECT w.pid, w.goid FROM (SELECT unnest($who::STRUCT(pid INTEGER, goid BIGINT)[]) AS w)
    ),
    chosen AS (
        SELECT i.pid, i.goid, i.state, i.certain, greatest(i.ts, $start) AS ts,
            least(coalesce(i.ts_end, w.ended_ts), $end) AS ts_end
        FROM int_intervals AS i
        SEMI JOIN (SELECT DISTINCT goid FROM who) AS g ON g.goid = i.goid
        JOIN (
            SELECT who.pid, who.goid, coalesce(p.ended_ts, r.ended_ts) AS ended_ts
            FROM who
            LEFT JOIN stg_processes AS p ON p.pid = who.pid
            CROSS JOIN stg_recording AS r
        ) AS w ON w.pid = i.pid AND w.goid = i.goid
        WHERE i.ts < $end AND (i.ts_end IS NULL OR i.ts_end > $start)
    ),
    placed AS (
        SELECT *,
            ((ts - $start)::{integer} * $cells // ($end - $start))::BIGINT AS first,
            ((ts_end - $start)::{integer} * $cells // ($end - $start))::BIGINT AS last
        FROM chosen
    ),
    clipped AS (
        SELECT pid, goid, first AS cell, state, certain, ts_end - ts AS ns
        FROM placed WHERE first = last
        UNION ALL
        SELECT pid, goid, cell, state, certain,
            least(ts_end, $start + (($end - $start)::{integer} * (cell + 1) // $cells)::BIGINT)
                - greatest(ts, $start + (($end - $start)::{integer} * cell // $cells)::BIGINT)
        FROM (SELECT *, unnest(range(first, last + 1)) AS cell FROM placed WHERE first < last)
    )
    SELECT pid, goid, cell, state::VARCHAR AS state, sum(ns)::BIGINT AS ns,
        bool_and(certain) AS certain
    FROM clipped
    WHERE ns > 0 AND cell < $cells
    GROUP BY pid, goid, cell, state
"""
_WAKES = """
    WITH who AS (
        SELECT w.pid, w.goid FROM (SELECT unnest($who::STRUCT(pid INTEGER, goid BIGINT)[]) AS w)
    ),
    woken AS (
        SELECT i.pid, i.ts_end AS ts, i.waker_goid, i.goid
        FROM int_intervals AS i
        SEMI JOIN (SELECT DISTINCT goid FROM who) AS g ON g.goid = i.goid
        SEMI JOIN who AS w ON w.pid = i.pid AND w.goid = i.goid
        SEMI JOIN who AS waker ON waker.pid = i.pid AND waker.goid = i.waker_goid
        WHERE i.ts_end >= $start AND i.ts_end < $end
            AND wake_of(i.state, i.began_by, i.ended_by, i.reason, i.waker_goid) = 'goroutine'
    )
    SELECT *, count(*) OVER () AS wakes FROM woken ORDER BY ts, goid LIMIT $most
"""
_LIVE = """
    SELECT created_by, list(ts ORDER BY ts) AS ts, list(live ORDER BY ts) AS live
    FROM live_goroutines
    WHERE NOT system
    GROUP BY created_at, created_by
    ORDER BY created_at, created_by
"""


def collect(
    engine: Engine,
    selection: Selection = ALL,
    most: int = 32,
    cells: int = 1200,
    found: list[LeakGroup] | None = None,
) -> Timeline:
    """At most `most` goroutines over the selected time, in `cells` parts.

    ``found`` is what `leaks` tells of that time, if that is known.
    """
    start, end = selection.span(engine)
    (sees,) = engine.rows("SELECT watched FROM stg_event_kinds WHERE kind = 'syscall_enter'")
    if found is None:
        found = leaks.collect(engine, Selection(selection.start, selection.end))
    lanes = _lanes(engine, selection, (start, end), min(most, _MOST), found)
    wakes, count = _wakes(engine, start, end, lanes)
    return Timeline(
        start=start,
        end=end,
        recording_start=engine.span[0],
        cells=cells,
        lanes=lanes,
        shares=_shares(engine, start, end, cells, lanes),
        live=_series(engine.table(_LIVE)),
        sees_syscalls=sees["watched"],
        wakes=wakes,
        wake_count=count,
        started=Moments.of(engine).started,
    )


def _lanes(
    engine: Engine,
    selection: Selection,
    span: tuple[int, int],
    most: int,
    found: list[LeakGroup],
) -> list[Lane]:
    """One goroutine of each site, then a second of each, and so on; ordered by site."""
    parameters = selection.parameters(engine) | {"start": span[0], "end": span[1], "most": most}
    sites = engine.rows(_SITES, parameters)
    verdicts = {(group.pid, goid): group.verdict for group in found for goid in group.goids}
    places = sorted(
        (place, number) for number, site in enumerate(sites) for place in range(len(site["goids"]))
    )
    chosen = sorted((number, place) for place, number in places[:most])
    return [
        Lane(
            pid=site["pid"],
            goid=goid,
            created_by=site["created_by"],
            created_at=site["created_at"],
            function=site["function"],
            total=site["total"],
            verdict=verdicts.get((site["pid"], goid)),
        )
        for site, goid in (
            (sites[number], sites[number]["goids"][place]) for number, place in chosen
        )
    ]


def _shares(engine: Engine, start: int, end: int, cells: int, lanes: list[Lane]) -> pa.Table:
    who = [{"pid": lane.pid, "goid": lane.goid} for lane in lanes]
    fits = (end - start) * (cells + 1) < 2**63
    return engine.table(
        _SHARES.format(integer="BIGINT" if fits else "HUGEINT"),
        {"start": start, "end": end, "cells": cells, "who": who},
    )


def _wakes(engine: Engine, start: int, end: int, lanes: list[Lane]) -> tuple[tuple[Wake, ...], int]:
    """The wake-ups among the lanes if they can be drawn, and how many there are."""
    who = [{"pid": lane.pid, "goid": lane.goid} for lane in lanes]
    rows = engine.rows(_WAKES, {"start": start, "end": end, "who": who, "most": _MOST_WAKES + 1})
    count = int(rows[0]["wakes"]) if rows else 0
    if len(rows) > _MOST_WAKES:
        return (), count
    return tuple(Wake(r["pid"], r["ts"], r["waker_goid"], r["goid"]) for r in rows), count


def _series(sites: pa.Table) -> list[Series]:
    """One series per creation site, the largest first."""
    series = [
        Series(by or "not known", ts.values.to_numpy().tolist(), live.values.to_numpy().tolist())
        for by, ts, live in zip(sites[0].to_pylist(), sites[1], sites[2], strict=True)
    ]
    return sorted(series, key=lambda s: -max(s.live))
