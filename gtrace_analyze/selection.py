"""What part of a recording a command looks at: a span of time, goroutines, functions."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from datetime import datetime

from gtrace_analyze._errors import UsageError
from gtrace_analyze._regex import DIALECT, found
from gtrace_analyze.engine import Engine
from gtrace_analyze.moments import Moments
from gtrace_analyze.units import parse_duration

__all__ = ["ALL", "Selection", "check_goid", "numbers"]

_LARGEST = (1 << 63) - 1
_SOME_NUMBERED = "SELECT EXISTS (FROM goroutines WHERE list_contains($goids, goid)) AS some"
# Asked of names, not of who was where, which takes longer; and a waker's function counts, too.
_SOME_CALLED = """
    SELECT EXISTS (FROM frames WHERE regexp_matches(function, $pattern)) OR EXISTS (
        FROM goroutines
        WHERE regexp_matches(function, $pattern) OR regexp_matches(created_by, $pattern)
    ) AS some
"""


@dataclass(frozen=True)
class Selection:
    """A part of a recording.

    ``start`` and ``end`` are moments as a user writes them: a duration from the start ("5s",
    "1m30s"), or from the end if it begins with "-"; the value of a ``ts`` column; a wall-clock time
    ("2026-03-01 12:00:05", "12:00:05" on the recording's day). An int may also be ns from the
    start, or from the end if it is negative. ``goids`` are goroutines; empty means all.
    ``function`` is a regular expression on Go names, in the dialect of DuckDB (RE2).

    Raises UsageError if there can be no goroutine of such a number, or the expression is none.
    """

    start: str | int | None = None
    end: str | int | None = None
    goids: frozenset[int] = field(default_factory=frozenset)
    function: str | None = None

    def __post_init__(self) -> None:
        for goid in self.goids:
            check_goid(goid)
        if not self.function:
            return
        try:
            self.matches("")
        except ValueError as e:
            raise UsageError(
                f"'{self.function}' is not a regular expression: {e}; {DIALECT}"
            ) from None

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
            raise UsageError(f"{engine.recording.path}: {self._nothing(engine, start >= end)}")
        return start, end

    def between(self, engine: Engine) -> tuple[str, dict[str, object]]:
        """What to add to the name of a stored table for the time selected, and its arguments.

        Nothing for all of the time.
        """
        if not self.has_time:
            return "", {}
        start, end = self.span(engine)
        return "_between($start, $end)", {"start": start, "end": end}

    def parameters(self, engine: Engine) -> dict[str, object]:
        """The selection as arguments of macros like `selected_waits`; NULL: no restriction."""
        start, end = self.span(engine) if self.has_time else (None, None)
        return {
            "start": start,
            "end": end,
            "goids": sorted(self.goids) or None,
            "pattern": self.function,
        }

    def source(self, engine: Engine, table: str) -> tuple[str, dict[str, object]]:
        """The stored table, or for a selection the macro that computes the same; its arguments."""
        if self == ALL:
            return table, {}
        return f"{table}_of($start, $end, $goids, $pattern)", self.parameters(engine)

    def matches(self, function: str | None) -> bool:
        """Whether a function is among those selected."""
        return function is not None and found(self.function or "", function)

    def missed(self, engine: Engine) -> str | None:
        """Why no goroutine of the recording is meant; None unless that is sure.

        The time does not count, and goroutines that are meant need not do what a command looks for.
        """
        path, why = engine.recording.path, "no goroutine matches the selection"
        if self.goids and not _some(engine, _SOME_NUMBERED, {"goids": sorted(self.goids)}):
            goids = " or ".join(map(str, sorted(self.goids)))
            return f"{why}: {goids} is not in {path}{numbers(engine)}"
        if self.function and not _some(engine, _SOME_CALLED, {"pattern": self.function}):
            return (
                f"{why}: '{self.function}' is in no function's name in {path}; to see the names: "
                f'gtrace-analyze sql {shlex.quote(str(path))} "SELECT DISTINCT function FROM '
                'goroutines"'
            )
        return None

    def _nothing(self, engine: Engine, backwards: bool) -> str:
        """Why there is nothing from `start` to `end`."""
        start = "the start" if self.start is None else self.start
        end = "the end" if self.end is None else self.end
        if backwards and self.start is not None and self.end is not None:
            return f"nothing is from {start} to {end}: that ends before it begins"
        first, last = engine.span
        lasts = f"{(last - first) / 1e9:.3f} s"
        by = Moments.of(engine)
        if by.readings:
            began, ended = map(by.on_wall_clock, (first, last))
            lasts += f", from {began:%Y-%m-%d %H:%M:%S} to {ended:%Y-%m-%d %H:%M:%S}"
        return f"nothing was recorded from {start} to {end}: the recording lasts {lasts}"


ALL = Selection()


def check_goid(goid: int) -> None:
    """Raise UsageError if no goroutine can have this number."""
    if not 0 <= goid <= _LARGEST:
        raise UsageError(f"no goroutine can be numbered {goid}: numbers are 0 to {_LARGEST}")


def numbers(engine: Engine) -> str:
    """Which numbers its goroutines have, to be added to a sentence about the recording."""
    (row,) = engine.rows("SELECT min(goid) AS low, max(goid) AS high FROM goroutines")
    if row["low"] is None:
        return ", which has none"
    return f", whose goroutines are numbered {row['low']} to {row['high']}"


def _some(engine: Engine, query: str, parameters: dict[str, object]) -> bool:
    return bool(engine.rows(query, parameters)[0]["some"])


def _moment(given: str | int, engine: Engine, first: int, last: int) -> int:
    if not isinstance(given, str):
        value = int(given)  # of NumPy's, it may be too small to add to
        if value < 0:
            return last + value
        return value if value >= first > last - first else first + value
    text = given.strip()
    if re.fullmatch(r"-?\d+", text):
        if (ts := int(text)) >= first:
            return ts
        raise UsageError(f"{text} what? Write {text}s, {text}ms, or the value of a ts column")
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
