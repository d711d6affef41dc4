"""The report as one HTML page that needs nothing else: no script, no network, no other file."""

from __future__ import annotations

import shlex
from typing import Any

from gtrace_analyze.analyses.report import Report
from gtrace_analyze.render.html import figures, render
from gtrace_rec import __version__

__all__ = ["page"]

_MOST_GROUPS = 25


def page(report: Report, source: str) -> str:
    """The page. `source` is what the recording is called in it."""
    return render("report.html", _values(report, source))


def _values(report: Report, source: str) -> dict[str, Any]:
    chart = report.worst
    start, end = chart.start, chart.end
    groups = report.summary.leaks
    infos = [row for row in report.health if row["severity"] == "info"]
    return {
        "report": report,
        "summary": report.summary,
        "source": source,
        "quoted": shlex.quote(source),
        "version": __version__,
        "warnings": [row for row in report.health if row["severity"] == "warning"],
        "remarks": [row["description"] for row in infos if row["name"] != "not_watched"],
        "leaking": sum(group.count for group in groups if group.verdict == "leak"),
        "suspected": sum(group.count for group in groups if group.verdict == "suspect"),
        "groups": groups[:_MOST_GROUPS],
        "more_groups": len(groups[_MOST_GROUPS:]),
        "events": sum(report.summary.events.values()),
        "recorded": max(report.totals.events, sum(report.summary.events.values())),
        "lost": report.totals.lost_ring + sum(report.totals.dropped.values()),
        "time": figures.time_ticks(end - start),
        "gaps": figures.gap_bands(report.gaps, start, end),
        "alive": figures.alive(chart.live, start, end),
        "lanes": figures.lanes(chart),
        "states": _legend(report),
        "waits": figures.distributions(report.waits),
        "late": _late(report),
    }


def _late(report: Report) -> figures.Late | None:
    chart = report.latency
    if chart is None or not chart.steps.num_rows:
        return None
    return figures.late(chart.steps.to_pylist(), chart.start, chart.end)


def _legend(report: Report) -> dict[str, str]:
    """The states that occur, and what to call them."""
    seen = {state or "unknown" for state in report.worst.shares["state"].to_pylist()}
    names = {
        "running": "running" + ("" if report.worst.sees_syscalls else ", or in a system call"),
        "syscall": "in a system call",
        "runnable": "runnable: ready to run, but waits for a thread",
        "unknown": "not known",
    }
    return {state: names.get(state, state) for state in figures.STATES if state in seen}
