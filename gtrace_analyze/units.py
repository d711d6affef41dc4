"""Times and numbers as people read them, and back."""

from __future__ import annotations

import re

__all__ = [
    "counted",
    "duration",
    "number",
    "parse_duration",
    "short_function",
    "short_place",
    "short_position",
]

_SECOND = 10**9
_UNITS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": _SECOND,
    "m": 60 * _SECOND,
    "h": 3_600 * _SECOND,
    "d": 86_400 * _SECOND,
}
_PART = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(ns|us|µs|ms|s|m|h|d)")


def duration(ns: float | None) -> str:
    """A length of time in Go's way, to three digits: "1.25ms", "2m05s"; "-" if not known."""
    if ns is None:
        return "-"
    if ns < 0:
        return "-" + duration(-ns)
    if ns < 999.5:
        return f"{ns:.0f}ns"
    for unit in ("µs", "ms", "s"):
        value = ns / _UNITS[unit]
        if value < (59.95 if unit == "s" else 999.5):
            digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:.{digits}f}{unit}"
    for unit, below in (("m", "s"), ("h", "m"), ("d", "h")):
        count = round(ns / _UNITS[below])
        per = _UNITS[unit] // _UNITS[below]
        if unit == "d" or count < per * (_UNITS["d"] // _UNITS["h"] if unit == "h" else 60):
            return f"{count // per}{unit}{count % per:02d}{below}"
    raise AssertionError(ns)


def number(value: float | None) -> str:
    """A number with thousands apart, to three digits at least; "-" if not known."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3g}" if abs(value) < 999.5 else f"{value:,.0f}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """A number and what it counts: "1 wait", "2 waits"; `many` where that is not `one` and an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def parse_duration(text: str) -> int | None:
    """Nanoseconds of "5s", "1m30s", "250ms"; None if it is no duration."""
    parts = _PART.findall(text)
    if not parts or _PART.sub("", text).strip():
        return None
    return round(sum(float(amount) * _UNITS[unit] for amount, unit in parts))


def short_function(name: str | None) -> str:
    """A Go function without the path of its package: "http.(*Server).Serve"."""
    if name is None:
        return "-"
    bracket = name.find("[")
    head = name if bracket < 0 else name[:bracket]
    return name[head.rfind("/") + 1 :]


def short_place(file: str | None, line: int | None) -> str:
    """A source position by its last directory and name: "http/server.go:3285"."""
    if file is None:
        return "-"
    return "/".join(file.split("/")[-2:]) + ("" if line is None else f":{line}")


def short_position(position: str | None) -> str:
    """The same of "file:line" in one."""
    if position is None:
        return "-"
    file, _, line = position.rpartition(":")
    return short_place(file, int(line))
