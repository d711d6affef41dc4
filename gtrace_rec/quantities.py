"""Quantities as people write them: option types, and how numbers are shown."""

from __future__ import annotations

import itertools
import re
from fractions import Fraction

import click

PLANS = ("snapshot", "lifecycle", "park", "sched", "full")

_UNITS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class Duration(click.ParamType[int]):
    """A duration such as 30s, 5m, 1m30s or 250ms, as nanoseconds; a bare number is seconds."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Parse; fails with what would be accepted."""
        if isinstance(value, int):
            return value
        text = str(value).strip()
        if re.fullmatch(r"\d+(\.\d+)?", text):
            return int(float(text) * 10**9)
        parts = re.findall(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)", text)
        if not parts or "".join(n + u for n, u in parts) != text:
            self.fail(f"{text!r} is not a duration such as 30s, 5m or 250ms", param, ctx)
        return int(sum(float(n) * _UNITS[u] for n, u in parts))

    @staticmethod
    def text(ns: int) -> str:
        """A duration as one would write it."""
        unit = next(u for u in ("s", "ms", "us", "ns") if ns % _UNITS[u] == 0)
        return f"{ns // _UNITS[unit]}{unit}"


class Size(click.ParamType[int]):
    """A number of bytes such as 64M, 512K or 1G."""

    name = "size"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Parse; fails with what would be accepted."""
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"(\d+)\s*([KMG]?)(?:i?B)?", str(value).strip(), re.IGNORECASE)
        if not match:
            self.fail(f"{value!r} is not a size such as 64M, 512K or 1G", param, ctx)
        return int(match[1]) * _SIZES[match[2].upper()]

    @staticmethod
    def text(count: int) -> str:
        """A number of bytes as one would write it."""
        unit = next(u for u in ("G", "M", "K", "") if count % _SIZES[u] == 0)
        return f"{count // _SIZES[unit]}{unit}"


class Share(click.ParamType[Fraction]):
    """A part of a whole such as 1/16, 5% or 0.05: more than 0, at most 1."""

    name = "share"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Fraction:
        """Parse; fails with what would be accepted."""
        text = str(value).strip()
        try:
            share = Fraction(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except (ValueError, ZeroDivisionError):
            share = Fraction(0)
        if not 0 < share <= 1:
            self.fail(f"{text!r} is not a share such as 1/16, 5% or 0.05", param, ctx)
        return share

    @staticmethod
    def text(share: Fraction) -> str:
        """A share as one would write it."""
        return str(share)


class Durations(click.ParamType[tuple[int, ...]]):
    """Durations that rise, such as 1ms,10ms,1s, as nanoseconds."""

    name = "durations"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Parse; fails with what would be accepted."""
        if isinstance(value, tuple):
            return value
        bounds = tuple(Duration().convert(v, param, ctx) for v in str(value).split(","))
        if any(b <= a for a, b in itertools.pairwise((0, *bounds))):
            self.fail(f"{value!r}: durations must rise, as in 1ms,10ms,1s", param, ctx)
        return bounds

    @staticmethod
    def text(bounds: tuple[int, ...]) -> str:
        """Durations as one would write them."""
        return ", ".join(map(Duration.text, bounds))


class Names(click.ParamType[tuple[str, ...]]):
    """Some of a few names, each once, such as stacks,events."""

    name = "names"

    def __init__(self, choices: tuple[str, ...]) -> None:
        self.choices = choices

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Parse; fails with what would be accepted."""
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in str(value).split(","))
        if len(set(names)) < len(names) or not set(names) <= set(self.choices):
            self.fail(f"{value!r} is not a list of {', '.join(self.choices)}", param, ctx)
        return names

    @staticmethod
    def text(names: tuple[str, ...]) -> str:
        """Names as one would write them."""
        return ", ".join(names)


class Address(click.ParamType[tuple[str, int]]):
    """An address to listen on such as 127.0.0.1:9464, [::1]:9464 or :9464 for all interfaces."""

    name = "address"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Parse; fails with what would be accepted."""
        host, colon, port = str(value).strip().rpartition(":")
        bracketed = host.startswith("[") and host.endswith("]")
        if not colon or not port.isdigit() or int(port) > 65535 or (":" in host and not bracketed):
            self.fail(f"{value!r} is not an address such as 127.0.0.1:9464", param, ctx)
        return host.strip("[]") or "0.0.0.0", int(port)

    @staticmethod
    def text(address: tuple[str, int]) -> str:
        """An address as one would write it."""
        host, port = address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def format_bytes(count: float) -> str:
    """A number of bytes for people."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"


def format_duration(ns: int) -> str:
    """A duration for people."""
    seconds = ns / 10**9
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m{rest:02}s" if hours else f"{minutes}m{rest:02}s"
