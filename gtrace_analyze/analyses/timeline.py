"""What chosen goroutines did over time, and how many there were."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from gtrace_analyze.analyses import cpu, leaks
from gtrace_analyze.analyses._cells import Cells
from gtrace_analyze.analyses._lookup import Goroutines
from gtrace_analyze.analyses._order import ordered
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
    def site(self) -> tuple[object, ...]:
        """What lanes of one creation site have in common."""
        return self.pid, self.created_by, self.created_at, self.function

    @property
    def name(self) -> str:
        """What its creation site is called."""
        if self.function == "runtime.main":
            return "main goroutine"
        return short_function(self.created_by or self.function)


@dataclass(frozen=True)
class Series:
    """How many goroutines of a creation site are alive: `live[i]` from `ts[i]` on.

    ``label`` is the function that makes them, with the line where it does so at several.
    """

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
    ``live`` is in steps of a 500th of the time, and `peak` the most that were alive at any moment.
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
    peak: int
    sees_syscalls: bool  # if not, time in system calls counts as running
    wakes: tuple[Wake, ...] = ()
    wake_count: int = 0
    started: str | None = None  # when the recording did, on the wall clock

    @property
    def count(self) -> int:
        """How many goroutines the creation sites of its lanes have, shown or not."""
        return sum({lane.site: lane.total for lane in self.lanes}.values())


# A few goroutines of each creation site, since those of one site behave alike: of each the ones
# that lived longest within the time shown.
_SITES = """
    WITH chosen AS NOT MATERIALIZED (
        FROM goroutines WHERE NOT system AND {matches}
    )
    FROM int_lanes_of('chosen', $start, $end, $most)
"""
_STORED = 32  # of each site, if all of the program is asked for
# Only what is asked for, since even a pattern that is NULL takes time to plan.
_MATCHES = """(
    regexp_matches(function, $pattern) OR regexp_matches(created_by, $pattern)
    OR (pid, goid) IN (
        SELECT pid, goid FROM int_intervals WHERE stack_id IN (
            SELECT stack_id FROM frames WHERE regexp_matches(function, $pattern)))
)"""
_MATCHING = f"""
    SELECT pid, goid FROM goroutines WHERE list_contains($goids, goid) AND {_MATCHES}
"""
_LIVE = """
    SELECT created_at, created_by, ts, live
    FROM live_goroutines{between}
    WHERE NOT system
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
    lanes = _lanes(engine, selection, (start, end), min(most, _MOST), found)
    did = Cells(engine, start, end, cells, [(lane.pid, lane.goid) for lane in lanes])
    drawable = len(did.wakes) <= _MOST_WAKES
    between, parameters = selection.between(engine)
    (peak,) = engine.rows(f"SELECT live FROM live_peak{between}", parameters)
    return Timeline(
        start=start,
        end=end,
        recording_start=engine.span[0],
        cells=cells,
        lanes=lanes,
        shares=did.shares(),
        live=list(_live(engine, selection) if selection.has_time else engine.once(_live)),
        peak=peak["live"],
        sees_syscalls=cpu.sees_syscalls(engine),
        wakes=tuple(Wake(*wake) for wake in did.wakes) if drawable else (),
        wake_count=len(did.wakes),
        started=Moments.of(engine).started,
    )


def _lanes(
    engine: Engine,
    selection: Selection,
    span: tuple[int, int],
    most: int,
    found: list[LeakGroup] | None,
) -> list[Lane]:
    """One goroutine of each site, then a second of each, and so on; ordered by site."""
    parameters: dict[str, object] = {"start": span[0], "end": span[1]}
    matches = "true"
    if selection.function is not None:
        matches, parameters["pattern"] = _MATCHES, selection.function
    if selection.goids:
        sites = _sites(_chosen(engine, selection, span))
    elif selection == ALL and most <= _STORED:
        sites = engine.rows("FROM int_lanes")
    else:
        sites = engine.rows(_SITES.format(matches=matches), parameters | {"most": most})
    sites.sort(key=_by_time)
    places = sorted(
        (place, number)
        for number, site in enumerate(sites)
        for place in range(len(site["goids"][:most]))
    )
    chosen = sorted((number, place) for place, number in places[:most])
    shown = frozenset(sites[number]["goids"][place] for number, place in chosen)
    if found is None:
        found = leaks.collect(engine, Selection(selection.start, selection.end, shown))
    verdicts = {
        (group.pid, goid): group.verdict
        for group in found
        for goid in shown.intersection(group.goids)
    }
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


def _chosen(engine: Engine, selection: Selection, span: tuple[int, int]) -> list[dict[str, Any]]:
    """The chosen ones of the selection that lived within a span of time, and how much of it."""
    start, end = span
    known, goids = engine.once(Goroutines), sorted(selection.goids)
    rows = []
    for pid in known.pids:
        at = known.find(pid, pa.array(goids)).drop_null().to_numpy()
        at = at[(known.first_ts[at] < end) & (known.ts_end[at] > start)]
        lived = np.minimum(known.ts_end[at], end) - np.maximum(known.first_ts[at], start)
        names = known.names.select(_SITE[1:]).take(known.name[at]).to_pylist()
        own = zip(names, known.goid[at].tolist(), lived.tolist(), strict=True)
        rows += [{"pid": pid, **name, "goid": goid, "lived": ns} for name, goid, ns in own]
    if selection.function is None:
        return rows
    matching = {
        (row["pid"], row["goid"])
        for row in engine.rows(_MATCHING, {"goids": goids, "pattern": selection.function})
    }
    return [row for row in rows if (row["pid"], row["goid"]) in matching]


_SITE = ("pid", "created_by", "created_at", "function")


def _sites(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The creation sites of some goroutines, as `int_lanes` has them."""
    rows.sort(key=lambda row: (-row["lived"], row["goid"]))
    sites: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        sites.setdefault(tuple(row[name] for name in _SITE), []).append(row)
    return [
        {
            **dict(zip(_SITE, site, strict=True)),
            "total": len(own),
            "lived": sum(row["lived"] for row in own),
            "goids": [row["goid"] for row in own],
        }
        for site, own in sites.items()
    ]


def _by_time(site: dict[str, Any]) -> tuple[Any, ...]:
    """The sites whose goroutines lived longest first, then by name, those not known last."""
    names = [(name is None, name or "") for name in (site["created_at"], site["function"])]
    return -site["lived"], *names, site["pid"]


def _live(engine: Engine, selection: Selection = ALL) -> list[Series]:
    """One series per creation site, the largest first."""
    between, parameters = selection.between(engine)
    steps = engine.table(_LIVE.format(between=between), parameters)
    site = ("created_at", "created_by")
    # To wake Arrow's threads takes longer than what there is to do.
    by_site = steps.group_by(list(site), use_threads=False)
    grouped = by_site.aggregate([("ts", "list"), ("live", "list")])
    sites = ordered(grouped, *site)
    names = (sites[name].to_pylist() for name in site)
    columns = (*names, sites["ts_list"], sites["live_list"])
    go_statements = Counter(columns[1])
    series = []
    for at, by, *lists in zip(*columns, strict=True):
        ts, live = (values.values.to_numpy() for values in lists)
        order = np.argsort(ts)  # which takes DuckDB longer
        label = by or "not known"
        if at and go_statements[by] > 1:
            label += ":" + at.rpartition(":")[2]
        series.append(Series(label, ts[order].tolist(), live[order].tolist()))
    return sorted(series, key=lambda s: -max(s.live))
