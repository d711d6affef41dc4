"""OpenMetrics text with timestamps, from which promtool makes blocks for Prometheus.

The format is that of https://github.com/OpenObservability/OpenMetrics, version 1.0. Names are those
of ``gtrace-rec --metrics``, so that one dashboard shows both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from gtrace_analyze._errors import UsageError
from gtrace_analyze.engine import Engine
from gtrace_analyze.export._clock import Clock
from gtrace_analyze.export._streams import batches
from gtrace_analyze.export._timeline import arguments
from gtrace_analyze.selection import ALL, Selection

__all__ = ["write"]

_S = 10**9
_FINEST = 10**6
_MOST_POINTS = 100_000
Numbers = npt.NDArray[Any]
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Histogram:
    """A family of durations: rows of `ended_durations`, known if `needs` are all watched."""

    name: str
    help: str
    measure: str
    needs: frozenset[str]
    bounds: tuple[int, ...]  # upper ends of the buckets, ns


# The bounds of lifetimes and latencies are those that the recorder has by default.
_LONG = tuple(s * 10**e for s, e in ((1, 5), (1, 6), (1, 7), (1, 8), (1, 9), (1, 10)))
_LONG += (60 * _S, 600 * _S, 3600 * _S)
_SHORT_US = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 10**6)
_SHORT = tuple(us * 1000 for us in _SHORT_US)
_HISTOGRAMS = (
    _Histogram(
        "gtrace_goroutine_lifetime_seconds",
        "From creation to exit, of goroutines that were seen to begin and to end.",
        "lifetime",
        frozenset({"create", "exit"}),
        _LONG,
    ),
    _Histogram(
        "gtrace_park_seconds",
        "Time parked, by wait reason, of waits that ended and were seen whole.",
        "park",
        frozenset({"park", "ready"}),
        (10_000, *_LONG),
    ),
    _Histogram(
        "gtrace_scheduling_latency_seconds",
        "From runnable to running.",
        "latency",
        frozenset({"run"}),
        _SHORT,
    ),
)
_ENDED = "FROM ended_durations($start, $end, $goids, $pattern)"
_LIVE = "FROM state_counts($start, $end, $goids, $pattern, $step)"
_HEALTH = (
    ("gtrace_stacks_dropped", "Stacks that could not be taken or kept.", "lost_stack"),
    ("gtrace_read_faults", "Fields of the target's memory that could not be read.", "read_faults"),
)


class _Looks:
    """The moments at which values are given: every `step` ns from `start` on, and at the end."""

    def __init__(self, start: int, end: int, step: int, clock: Clock) -> None:
        if step < _FINEST:
            raise UsageError("points cannot be closer than 1ms, the resolution of Prometheus")
        self.start, self.step = start, step
        self.count = -(-(end - start) // step) + 1
        if self.count > _MOST_POINTS:
            raise UsageError(
                f"{self.count:,} points of each series are too many; give a larger --step"
            )
        self.ts = np.minimum(start + np.arange(self.count) * step, end)
        ms = clock.walls(self.ts) // 10**6
        # Where the wall clock was set back, only what lies after all before.
        last = np.maximum.accumulate(np.concatenate([[-1], ms[:-1]]))
        self.kept: list[int] = np.flatnonzero(ms > last).tolist()
        if ms[-1] == ms[self.kept[-1]]:
            self.kept[-1] = self.count - 1
        self.stamps = [f" {ms // 1000}.{ms % 1000:03d}\n" for ms in ms.tolist()]

    def number(self, column: str) -> str:
        """SQL of the first look that sees what happened at a moment."""
        late = f"least(({column} - {self.start} + {self.step - 1}) // {self.step}"
        return f"greatest({late}, {self.count - 1}), 0)"


class _Text:
    """The file as it grows: families, and samples of the series that they consist of."""

    def __init__(self, out: BinaryIO, looks: _Looks, labels: Labels) -> None:
        self._out = out
        self._looks = looks
        self._labels = labels
        self.samples = self.series = 0

    def family(self, name: str, kind: str, text: str) -> None:
        unit = f"# UNIT {name} seconds\n" if name.endswith("_seconds") else ""
        self._out.write(f"# TYPE {name} {kind}\n{unit}# HELP {name} {_escaped(text)}\n".encode())

    def points(self, columns: list[tuple[str, Labels, Numbers]], since: int = 0) -> None:
        """Points of one metric: of each sample its name, labels and values at all looks.

        Before the look `since` there are none.
        """
        heads = [f"{name}{_braced(self._labels + labels)} " for name, labels, _ in columns]
        values = [list(map(str, column.tolist())) for _, _, column in columns]
        lines = [
            f"{head}{value[look]}{self._looks.stamps[look]}"
            for look in self._looks.kept
            if look >= since
            for head, value in zip(heads, values, strict=True)
        ]
        self._out.write("".join(lines).encode())
        self.samples += len(lines)
        self.series += len(columns)

    def end(self) -> None:
        self._out.write(b"# EOF\n")


def write(
    engine: Engine,
    out: BinaryIO,
    selection: Selection = ALL,
    step_ns: int | None = None,
    labels: Mapping[str, str] | None = None,
) -> str:
    """Write the metrics; returns what was written.

    There is a point every `step_ns` (default: 1 s, and 15 s where the recording is longer than an
    hour) and at the end; counters begin with 0. `labels` come to those that all series have, job
    and instance. Raises UsageError if no goroutine is in the selection.
    """
    parameters = arguments(engine, selection)
    start, end = selection.span(engine)
    step = step_ns or (_S if end - start <= 3600 * _S else 15 * _S)
    looks = _Looks(start, end, step, Clock.of(engine.recording.manifest))
    parameters["step"] = step
    host = engine.recording.manifest.host.get("hostname", "")
    common = {"job": "gtrace", "instance": host} | dict(labels or {})
    text = _Text(out, looks, tuple((k, v) for k, v in common.items() if v))
    watched = {r["kind"] for r in engine.rows("SELECT kind FROM stg_event_kinds WHERE watched")}
    for family in _HISTOGRAMS:
        if family.needs <= watched:
            _histogram(engine, parameters, looks, text, family)
    if "park" in watched:
        _cut_parks(engine, parameters, looks, text)
    _live(engine, parameters, looks, text)
    _losses(engine, looks, text)
    text.end()
    return f"{text.samples:,} samples of {text.series:,} series"


def _histogram(
    engine: Engine, parameters: Mapping[str, Any], looks: _Looks, text: _Text, family: _Histogram
) -> None:
    cases = " ".join(f"WHEN dur <= {bound} THEN {n}" for n, bound in enumerate(family.bounds))
    sql = (
        f"SELECT reason, {looks.number('ts')} AS look, "
        f"CASE {cases} ELSE {len(family.bounds)} END AS bucket, count(*) AS n, sum(dur) AS ns "
        f"{_ENDED} WHERE measure = '{family.measure}' AND whole GROUP BY ALL"
    )
    counts: dict[str | None, Numbers] = {}
    sums: dict[str | None, Numbers] = {}
    if family.measure != "park":
        counts[None], sums[None] = _zeros(looks, family)
    for row in _rows(engine, sql, parameters):
        if row["reason"] not in counts:
            counts[row["reason"]], sums[row["reason"]] = _zeros(looks, family)
        counts[row["reason"]][row["look"], row["bucket"]] += row["n"]
        sums[row["reason"]][row["look"]] += int(row["ns"])
    text.family(family.name, "histogram", family.help)
    ends = [*(str(bound / _S) for bound in family.bounds), "+Inf"]
    for reason in sorted(counts, key=str):
        labels = _reason(reason) if family.measure == "park" else ()
        buckets = counts[reason].cumsum(axis=0).cumsum(axis=1)
        total = sums[reason].cumsum() / _S
        text.points(
            [
                *(
                    (f"{family.name}_bucket", (*labels, ("le", le)), buckets[:, n])
                    for n, le in enumerate(ends)
                ),
                (f"{family.name}_count", labels, buckets[:, -1]),
                (f"{family.name}_sum", labels, total),
            ]
        )


def _zeros(looks: _Looks, family: _Histogram) -> tuple[Numbers, Numbers]:
    shape = (looks.count, len(family.bounds) + 1)
    return np.zeros(shape, np.int64), np.zeros(looks.count, np.int64)


def _cut_parks(engine: Engine, parameters: Mapping[str, Any], looks: _Looks, text: _Text) -> None:
    sql = (
        f"SELECT reason, {looks.number('ts')} AS look, count(*) AS n {_ENDED} "
        "WHERE measure = 'park' AND NOT whole GROUP BY ALL"
    )
    counts: dict[str | None, Numbers] = {}
    for row in _rows(engine, sql, parameters):
        counts.setdefault(row["reason"], np.zeros(looks.count, np.int64))[row["look"]] = row["n"]
    if counts:
        text.family(
            "gtrace_parks_cut",
            "counter",
            "Waits not seen whole: begun before, lost from sight, or events were lost within.",
        )
    for reason in sorted(counts, key=str):
        labels = _reason(reason)
        text.points([("gtrace_parks_cut_total", labels, counts[reason].cumsum())])


def _live(engine: Engine, parameters: Mapping[str, Any], looks: _Looks, text: _Text) -> None:
    """Goroutines alive, at the looks from the first snapshot or creation on."""
    sql = (
        f"SELECT coalesce(state::VARCHAR, 'not known') AS state, {looks.number('ts')} AS look, "
        "goroutines - lag(goroutines, 1, 0) OVER (PARTITION BY pid, state ORDER BY ts) AS change "
        f"{_LIVE}"
    )
    states: dict[str, Numbers] = {}
    for row in _rows(engine, sql, parameters):
        counts = states.setdefault(row["state"], np.zeros(looks.count, np.int64))
        counts[row["look"]] += row["change"]
    live = sum((counts.cumsum() for counts in states.values()), np.zeros(looks.count, np.int64))
    name = "gtrace_live_goroutines"
    text.family(name, "gauge", "Goroutines alive among those recorded.")
    known = int(np.argmax(live > 0))
    text.points([(name, (), live)], known)
    name = "gtrace_state_goroutines"
    text.family(name, "gauge", "Goroutines alive, by state.")
    for state, changes in sorted(states.items()):
        text.points([(name, (("state", state),), changes.cumsum())], known)


def _losses(engine: Engine, looks: _Looks, text: _Text) -> None:
    """What was not recorded. A loss shows once it is over, as when it began is not known."""
    sql = (
        f"SELECT replace(cause, ' ', '_') AS cause, {looks.number('ts_end')} AS look, "
        "sum(lost) AS lost, sum(ts_end - ts) AS ns FROM stg_gaps GROUP BY ALL"
    )
    lost = {"ring_full": np.zeros(looks.count, np.int64)}
    unseen: dict[str, Numbers] = {}
    for row in _rows(engine, sql, {}):
        if row["lost"] is not None:
            counts = lost.setdefault(row["cause"], np.zeros(looks.count, np.int64))
            counts[row["look"]] += int(row["lost"])
        spans = unseen.setdefault(row["cause"], np.zeros(looks.count, np.int64))
        spans[row["look"]] += int(row["ns"])
    text.family("gtrace_events_dropped", "counter", "Events that were not recorded.")
    for cause, values in sorted(lost.items()):
        labels = (("cause", cause),)
        text.points([("gtrace_events_dropped_total", labels, values.cumsum())])
    if unseen:
        text.family("gtrace_unseen_seconds", "counter", "Time that was not seen whole.")
    for cause, values in sorted(unseen.items()):
        labels = (("cause", cause),)
        text.points([("gtrace_unseen_seconds_total", labels, values.cumsum() / _S)])
    for name, about, column in _HEALTH:
        values = np.zeros(looks.count, np.int64)
        sql = (
            f"SELECT {looks.number('ts')} AS look, sum({column}) AS n FROM stg_health GROUP BY ALL"
        )
        for row in _rows(engine, sql, {}):
            values[row["look"]] = int(row["n"])
        text.family(name, "counter", about)
        text.points([(f"{name}_total", (), values.cumsum())])


def _reason(reason: str | None) -> Labels:
    return (("reason", reason or "not known"),)


def _rows(engine: Engine, sql: str, parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for batch in batches(engine, sql, parameters):
        yield from batch.to_pylist()


def _braced(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
