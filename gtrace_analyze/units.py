"""Times and numbers as people read them, and back."""

from __future__ import annotations

import re

__all__ = ["duration", "number", "parse_duration", "short_function", "short_place"]

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
    """A length of time to three digits, "1.25 ms", from a minute on "2m05s"; "-" if not known."""
    if ns is None:
        return "-"
    if ns < 0:
        return "-" + duration(-ns)
    for unit, below in (("d", "h"), ("h", "m"), ("m", "s")):
        if ns >= _UNITS[unit]:
            count = round(ns / _UNITS[below])
            per = _UNITS[unit] // _UNITS[below]
            return f"{count // per}{unit}{count % per:02d}{below}"
    for unit in ("s", "ms", "µs"):
        if ns >= _UNITS[unit]:
            return f"{ns / _UNITS[unit]:#.3g}".rstrip(".") + f" {unit}"
    return f"{ns:.0f} ns"


def number(value: float | None) -> str:
    """A number with thousands apart; "-" if not known."""
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3g}"


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
