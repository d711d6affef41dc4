"""The report as one HTML page that needs nothing else: no script, no network, no other file."""

from __future__ import annotations

import shlex
from datetime import datetime
from typing import Any

import jinja2

from gtrace_analyze.analyses.leaks import LeakGroup
from gtrace_analyze.analyses.report import Report
from gtrace_analyze.render.report import figures
from gtrace_analyze.units import duration, number, short_function, short_place
from gtrace_rec import __version__

__all__ = ["page"]

_MOST_GROUPS = 25


def page(report: Report, source: str) -> str:
    """The page. `source` is what the recording is called in it."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__name__),
        # Names from the target may hold anything: everything is escaped, whatever the file is.
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "command": shlex.join,
        "duration": duration,
        "number": number,
        "place": _place,
        "short": short_function,
        "shortplace": lambda frame: short_place(frame["file"], frame["line"]),
        "wall": _wall,
    }
    return environment.get_template("report.html").render(_context(report, source))


def _context(report: Report, source: str) -> dict[str, Any]:
    chart = report.worst
    start, end = chart.start, chart.end
    groups = report.summary.leaks
    return {
        "report": report,
        "summary": report.summary,
        "source": source,
        "quoted": shlex.quote(source),
        "version": __version__,
        "warnings": [row for row in report.health if row["severity"] == "warning"],
        "remarks": [
            row["description"]
            for row in report.health
            if row["severity"] == "info" and row["name"] != "not_watched"
        ],
        "leaking": sum(group.count for group in groups if group.verdict == "leak"),
        "suspected": sum(group.count for group in groups if group.verdict == "suspect"),
        "groups": groups[:_MOST_GROUPS],
        "more_groups": len(groups[_MOST_GROUPS:]),
        "events": sum(report.summary.events.values()),
        "lost": report.totals.lost_ring + sum(report.totals.dropped.values()),
        "time": figures.time_ticks(end - start),
        "gaps": figures.gap_bands(report.gaps, start, end),
        "alive": figures.alive(chart.live, start, end),
        "lanes": figures.lanes(chart),
        "states": _legend(report),
        "waits": figures.distributions(report.waits),
    }


def _legend(report: Report) -> dict[str, str]:
    """The states that occur, and what to call them."""
    seen = {state or "unknown" for state in report.worst.shares["state"].to_pylist()}
    running = "running" if report.worst.sees_syscalls else "running, or in a system call"
    names = {"running": running, "syscall": "in a system call", "runnable": "runnable: ready to "
             "run, but waits for a thread", "unknown": "not known"}  # fmt: skip
    return {state: names.get(state, state) for state in figures.STATES if state in seen}


def _place(text: LeakGroup | str | None) -> str:
    """ "http/server.go:3604" of a group, or of a whole path with its line."""
    if isinstance(text, LeakGroup):
        return short_place(text.file, text.line)
    file, _, line = (text or "").rpartition(":")
    return short_place(file, int(line)) if line.isdigit() else text or "-"


def _wall(ns: int) -> str:
    return f"{datetime.fromtimestamp(ns / 1e9).astimezone():%Y-%m-%d %H:%M:%S %z}"
