"""HTML: the report, and how results look in a notebook."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

import jinja2

from gtrace_analyze.analyses.leaks import LeakGroup, doing
from gtrace_analyze.render.park import estimate
from gtrace_analyze.units import counted, duration, number, short_function, short_place

__all__ = ["render"]


def render(template: str, values: Mapping[str, Any]) -> str:
    """A template of this package, filled in."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> jinja2.Environment:
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
        "counted": counted,
        "doing": doing,
        "duration": duration,
        "estimate": _estimate,
        "number": number,
        "place": _place,
        "short": short_function,
        "wall": _wall,
    }
    return environment


def _place(what: LeakGroup | Mapping[str, Any] | str | None) -> str:
    """ "http/server.go:3604" of a group, a frame, or a path with its line."""
    if isinstance(what, LeakGroup):
        return short_place(what.file, what.line)
    if isinstance(what, Mapping):
        return short_place(what["file"], what["line"])
    file, _, line = (what or "").rpartition(":")
    return short_place(file, int(line)) if line.isdigit() else what or "-"


def _estimate(row: dict[str, Any], percent: int) -> str:
    """The quantile with the open waits in it; empty where it is the one without."""
    text = estimate(row, percent)
    return "" if text in ("=", "-") else text


def _wall(ns: int) -> str:
    return f"{datetime.fromtimestamp(ns / 1e9).astimezone():%Y-%m-%d %H:%M:%S %z}"
