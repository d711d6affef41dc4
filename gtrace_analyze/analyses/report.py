"""Everything that the report shows of one recording."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from gtrace_analyze.analyses import blindspots, health, latency, leaks, park, summary, timeline
from gtrace_analyze.analyses._lookup import frames_of
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
_STARVED = 6
_CELLS = 500


@dataclass(frozen=True)
class Report:
    """The data of a report. Times are ns of CLOCK_MONOTONIC.

    ``health`` are rows of the view `health`, ``gaps`` spans not seen whole (ts, ts_end, cause,
    lost), ``idle`` the groups that wait for good reason, ``waits`` the places with most waiting
    time, ``stacks`` their stacks by site. ``latency``, ``latency_sites`` and ``latency_worst`` are
    None and empty where the plan does not tell when goroutines run. ``worst`` is the timeline of
    those that leak and those that waited longest for a thread, or of those that lived longest.
    ``whole_ns`` is how long the recording is, if only a part of it is looked at.
    """

    summary: Summary
    totals: Totals
    health: list[dict[str, Any]]
    gaps: list[dict[str, Any]]
    blind_spots: list[str]
    idle: list[LeakGroup]
    waits: list[Histogram]
    stacks: dict[int, list[dict[str, Any]]]
    latency: latency.Chart | None
    latency_sites: list[dict[str, Any]]
    latency_worst: list[dict[str, Any]]
    worst: Timeline
    whole_ns: int | None


def collect(engine: Engine, selection: Selection = ALL) -> Report:
    """The data of the report on a recording, or on a span of its time."""
    span = Selection(selection.start, selection.end)
    start, end = span.span(engine)
    groups = leaks.collect(engine, span, include_idle=True)
    judged = [group for group in groups if group.verdict != "idle"]
    parks = park.collect(engine, span)
    found = summary.collect(engine, _SITES, span, judged, parks)
    waits = park.histograms(engine, span, "stack", _PLACES, parks)
    sees = latency.sees(engine)
    late = latency.worst(engine, span, _STARVED).to_pylist() if sees else []
    gaps = engine.rows("SELECT ts, ts_end, cause, lost FROM stg_gaps ORDER BY ts")
    return Report(
        summary=found,
        totals=engine.recording.manifest.totals,
        health=health.collect(engine).to_pylist(),
        gaps=[gap for gap in gaps if gap["ts"] <= end and gap["ts_end"] >= start],
        blind_spots=blindspots.collect(engine, gaps),
        idle=[group for group in groups if group.verdict == "idle"],
        waits=waits,
        stacks=frames_of(engine, [h.facts["site"] for h in waits]),
        latency=latency.chart(engine, span) if sees else None,
        latency_sites=latency.collect(engine, span).slice(0, _SITES).to_pylist() if sees else [],
        latency_worst=late,
        worst=timeline.collect(engine, _worst(judged, late, span), _LANES, _CELLS, judged),
        whole_ns=engine.span[1] - engine.span[0] if span.has_time else None,
    )


def _worst(groups: list[LeakGroup], late: list[dict[str, Any]], span: Selection) -> Selection:
    leaking = [goid for group in groups for goid in group.goids[:_LANES_OF_GROUP]]
    goids = [*leaking[: _LANES - len(late)], *(row["goid"] for row in late)]
    return dataclasses.replace(span, goids=frozenset(goids))
