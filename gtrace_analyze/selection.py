"""What part of a recording a command looks at: a span of time, goroutines, functions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from gtrace_analyze._errors import UsageError
from gtrace_analyze.engine import Engine
from gtrace_analyze.units import parse_duration

__all__ = ["ALL", "Selection"]


@dataclass(frozen=True)
class Selection:
    """A part of a recording.

    ``start`` and ``end`` are moments as a user writes them: a duration from the start ("5s",
    "1m30s"), or from the end if it begins with "-"; an integer, ns from the start, or the value of
    a ``ts`` column; a wall-clock time ("2026-03-01 12:00:05", "12:00:05" on the recording's day).
    ``goids`` are goroutines; empty means all. ``function`` is a regular expression on Go names.
    """

    start: str | int | None = None
    end: str | int | None = None
    goids: frozenset[int] = field(default_factory=frozenset)
    function: str | None = None

    def __post_init__(self) -> None:
        try:
            re.compile(self.function or "")
        except re.error as e:
            raise UsageError(f"{self.function!r} is not a regular expression: {e}") from None

    @property
    def has_time(self) -> bool:
        return self.start is not None or self.end is not None

    def span(self, engine: Engine) -> tuple[int, int]:
        """The time selected, ns CLOCK_MONOTONIC.

        Raises UsageError where it is not understood, empty, or outside of the recording.
        """
        first, last = engine.span
        start = first if self.start is None else _moment(self.start, engine, first, last)
        end = last if self.end is None else _moment(self.end, engine, first, last)
        if self.has_time and (start >= end or end <= first or start >= last):
            seconds = (last - first) / 1e9
            raise UsageError(
                f"nothing was recorded from {self.start or 'the start'} to {self.end or 'the end'}:"
                f" the recording lasts {seconds:.3f} s"
            )
        return start, end

    def parameters(self, engine: Engine) -> dict[str, object]:
        """The selection as arguments of macros like `selected_waits`; NULL: no restriction."""
        start, end = self.span(engine) if self.has_time else (None, None)
        return {
            "start": start,
            "end": end,
            "goids": sorted(self.goids) or None,
            "pattern": self.function,
        }

    def matches(self, function: str | None) -> bool:
        """Whether a function is among those selected."""
        return function is not None and re.search(self.function or "", function) is not None


ALL = Selection()


def _moment(given: str | int, engine: Engine, first: int, last: int) -> int:
    text = str(given).strip()
    if re.fullmatch(r"-?\d+", text):
        value = int(text)
        if value < 0:
            return last + value
        return value if value >= first > last - first else first + value
    from_end = text.startswith("-")
    if (length := parse_duration(text.lstrip("+-"))) is not None:
        return last - length if from_end else first + length
    if (wall := _wall(text, engine)) is not None:
        return wall
    raise UsageError(
        f"{text!r} is no moment: write 5s or 1m30s after the start, -5s before the end, "
        "or a time of day like 12:00:05 or 2026-03-01T12:00:05"
    )


def _wall(text: str, engine: Engine) -> int | None:
    """A wall-clock time on the monotonic clock, by the clock reading nearest to it."""
    anchors = engine.recording.manifest.clock
    if not anchors:
        return None
    day = datetime.fromtimestamp(anchors[0].wall_ns / 1e9).date().isoformat()
    for candidate in (text, f"{day}T{text}"):
        try:
            moment = datetime.fromisoformat(candidate)
        except ValueError:
            continue
        wall_ns = round(moment.timestamp() * 1e6) * 1000
        nearest = min(anchors, key=lambda a: abs(a.wall_ns - wall_ns))
        return nearest.mono_ns + wall_ns - nearest.wall_ns
    return None
