"""Everything that the report shows of one recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gtrace_analyze.analyses import blindspots, health, leaks, park, summary, timeline
from gtrace_analyze.analyses.leaks import LeakGroup
from gtrace_analyze.analyses.park import Histogram
from gtrace_analyze.analyses.summary import Summary
from gtrace_analyze.analyses.timeline import Timeline
from gtrace_analyze.engine import Engine
from gtrace_analyze.selection import ALL, Selection
from gtrace_rec.schema import Totals

__all__ = ["Report", "collect"]

_SITES = 10
_PLACES = 14
_LANES = 28
_LANES_OF_GROUP = 4
_CELLS = 500


@dataclass(frozen=True)
class Report:
    """The data of a report. Times are ns of CLOCK_MONOTONIC.

    ``health`` are rows of the view `health`, ``gaps`` spans not seen whole (ts, ts_end, cause,
    lost), ``idle`` the groups that wait for good reason, ``waits`` the places with most waiting
    time, ``stacks`` their stacks by site, ``worst`` the timeline of those that leak, or if none
    does, of those that live longest.
    """

    summary: Summary
    totals: Totals
    health: list[dict[str, Any]]
    gaps: list[dict[str, Any]]
    blind_spots: list[str]
    idle: list[LeakGroup]
    waits: list[Histogram]
    stacks: dict[int, list[dict[str, Any]]]
    worst: Timeline


def collect(engine: Engine) -> Report:
    """The data of the report on a recording."""
    found = summary.collect(engine, _SITES)
    groups = leaks.collect(engine, include_idle=True)
    waits = park.histograms(engine, by="stack", most=_PLACES)
    return Report(
        summary=found,
        totals=engine.recording.manifest.totals,
        health=health.collect(engine).to_pylist(),
        gaps=engine.rows("SELECT ts, ts_end, cause, lost FROM stg_gaps ORDER BY ts"),
        blind_spots=blindspots.collect(engine),
        idle=[group for group in groups if group.verdict == "idle"],
        waits=waits,
        stacks=_stacks(engine, [h.facts["site"] for h in waits]),
        worst=timeline.collect(engine, _worst(found.leaks), _LANES, _CELLS),
    )


def _worst(groups: list[LeakGroup]) -> Selection:
    goids = [goid for group in groups for goid in group.goids[:_LANES_OF_GROUP]]
    return Selection(goids=frozenset(goids[:_LANES])) if goids else ALL


def _stacks(engine: Engine, sites: list[int | None]) -> dict[int, list[dict[str, Any]]]:
    rows = engine.rows(
        "SELECT stack_id, frames FROM stacks WHERE list_contains($sites, stack_id)",
        {"sites": [site for site in sites if site is not None]},
    )
    return {row["stack_id"]: row["frames"] for row in rows}
