"""Moments of a recording as people read them: since its start, or on the wall clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gtrace_analyze._errors import TraceError
from gtrace_analyze.engine import Engine

__all__ = ["Moments"]

# The column beside each of these that says the same on the wall clock.
_TWINS = {"ts": "time", "ts_end": "time_end"}


@dataclass(frozen=True)
class Moments:
    """How to write the moments of one recording, ns CLOCK_MONOTONIC.

    `start` is when it began, `readings` are pairs of that clock and the wall clock. Of the latter
    the nearest counts, as in `wall_time` and where --from takes a time of day.
    """

    start: int
    readings: tuple[tuple[int, int], ...]
    wall: bool = False

    @classmethod
    def of(cls, engine: Engine, wall: bool = False) -> Moments:
        """Raises TraceError if they are to be wall time, and no reading of that was recorded."""
        recording = engine.recording
        readings = sorted((c.mono_ns, c.wall_ns) for c in recording.manifest.clock)
        if wall and not readings:
            raise TraceError(f"{recording.path}: no reading of the wall clock was recorded")
        return cls(engine.span[0], tuple(readings), wall)

    @property
    def started(self) -> str | None:
        """When the recording began, on the wall clock; None if that was not recorded."""
        if not self.readings:
            return None
        return self.on_wall_clock(self.start).strftime("%Y-%m-%d %H:%M:%S.%f %z")

    def text(self, ts: int) -> str:
        """The moment: "5.123456s" since the start, or "12:00:05.123456", in local time.

        With its date, where that is another than when the recording began.
        """
        if not self.wall:
            return f"{(ts - self.start) / 1e9:.6f}s"
        moment = self.on_wall_clock(ts)
        same = moment.date() == self.on_wall_clock(self.start).date()
        return moment.strftime("%H:%M:%S.%f" if same else "%Y-%m-%d %H:%M:%S.%f")

    def on_wall_clock(self, ts: int) -> datetime:
        """The moment in local time, rounded down to microseconds."""
        mono, wall = min(self.readings, key=lambda reading: abs(reading[0] - ts))
        seconds, ns = divmod(wall + ts - mono, 10**9)
        return datetime.fromtimestamp(seconds).astimezone().replace(microsecond=ns // 1000)

    def names(self, names: Sequence[str]) -> list[str]:
        """The names of columns, with those that `rows` adds."""
        new = [_TWINS[name] for name in names if name in _TWINS] if self.wall else []
        return [*names, *new]

    def rows(self, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """The rows; if moments are to be wall time, with `time` for `ts`, `time_end` for `ts_end`.

        These are in ISO 8601, with the offset from UTC.
        """
        if not self.wall:
            return list(rows)
        return [row | {_TWINS[n]: self._iso(row[n]) for n in row if n in _TWINS} for row in rows]

    def _iso(self, ts: int | None) -> str | None:
        return None if ts is None else self.on_wall_clock(ts).isoformat(timespec="microseconds")
