"""The analyses as calls that return DataFrames and figures."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from gtrace_analyze._errors import UsageError
from gtrace_analyze.analyses import (
    channels,
    cpu,
    critical_path,
    deadlocks,
    diff,
    goroutine,
    health,
    latency,
    leaks,
    park,
    summary,
    timeline,
    wakers,
)
from gtrace_analyze.engine import Engine, Progress, connect
from gtrace_analyze.selection import Selection
from gtrace_analyze.units import parse_duration

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa
    from matplotlib.figure import Figure

__all__ = ["Trace", "open"]


def open(path: str | os.PathLike[str], progress: Progress | None = None) -> Trace:
    """Open the recording at `path`.

    Raises TraceError if it is none, or its format is newer than this. A large recording is indexed
    first, which `progress(what, done, total)` can follow. What is wrong with the recording itself
    is in `health()`.
    """
    return Trace(connect(Path(path), progress))


class Trace:
    """An open recording.

    Most methods take a selection by keywords: `start` and `end` (see `Selection`: "5s", "-5s",
    "12:00:05"), `goids`, and `func`, a regular expression on Go names. Times in results are ns of
    CLOCK_MONOTONIC; unknown is NA.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The DuckDB connection with the documented views; it reaches no other file."""
        return self._engine.con

    @property
    def path(self) -> Path:
        return self._engine.recording.path

    def summary(self) -> summary.Summary:
        """What was recorded, how trustworthy it is, and what stands out."""
        return summary.collect(self._engine)

    def leaks(
        self,
        include_idle: bool = False,
        older: str = "0s",
        min_count: int = 1,
        ignore: Iterable[str] = (),
        baseline: Trace | None = None,
        **selection: Any,
    ) -> pd.DataFrame:
        """Groups of goroutines that will not come back; the columns are those of LeakGroup.

        `older` counts only goroutines that have waited for so long; `ignore` has regular
        expressions, see `Wanted`; with a `baseline`, only what is new against it or more than
        there. Raises UsageError where one of them is not understood.
        """
        from gtrace_analyze.frames import Leaks

        wanted = leaks.Wanted(_duration(older), min_count, leaks.patterns(ignore))
        groups = leaks.collect(self._engine, _selection(**selection), include_idle)
        if baseline is not None:
            there = leaks.collect(baseline._engine, include_idle=True)
            groups = leaks.Baseline(str(baseline.path), there).new(groups)
        return Leaks.of_groups(wanted.of(groups)[0])

    def deadlocks(self, **selection: Any) -> pd.DataFrame:
        """Goroutines that hold each other up for ever; the columns are those of Deadlock."""
        import dataclasses

        from gtrace_analyze.frames import Table

        found = deadlocks.collect(self._engine, _selection(**selection))
        names = [f.name for f in dataclasses.fields(deadlocks.Deadlock)]
        return Table([[getattr(d, name) for name in names] for d in found], columns=names)

    def park(self, by: str = "stack", system: bool = False, **selection: Any) -> pd.DataFrame:
        """How long goroutines waited, by "reason", "function", "stack" or "channel".

        See `park_stats` for the columns, above all for what distinguishes p50_ns from km50_ns.
        """
        return _frame(park.collect(self._engine, _selection(**selection), by, system))

    def plot_park(self, by: str = "reason", **selection: Any) -> Figure:
        """The distributions of waiting time."""
        from gtrace_analyze.render.plots import park as plots

        histograms = park.histograms(self._engine, _selection(**selection), by)
        return plots.draw(histograms, str(self.path))

    def latency(self, by: str = "site", system: bool = False, **selection: Any) -> pd.DataFrame:
        """From runnable to running by "site", "function", "cause" or "all"; see `latency_stats`."""
        return _frame(latency.collect(self._engine, _selection(**selection), by, system))

    def latency_over_time(self, system: bool = False, **selection: Any) -> pd.DataFrame:
        """The same in hundredths of the time; see the view `latency_over_time`."""
        return _frame(latency.over_time(self._engine, _selection(**selection), system))

    def latency_worst(self, most: int = 20, **selection: Any) -> pd.DataFrame:
        """The longest of all and what ran instead; see the view `latency_worst`."""
        return _frame(latency.worst(self._engine, _selection(**selection), most))

    def plot_latency(self, **selection: Any) -> Figure:
        """Latency over time, as a heat map."""
        from gtrace_analyze.render.plots import latency as plots

        return plots.draw(latency.chart(self._engine, _selection(**selection)), str(self.path))

    def cpu(self, by: str = "site", system: bool = False, **selection: Any) -> pd.DataFrame:
        """Running time by "site", "function" or "goroutine", in ns and as `share` of a processor.

        What a goroutine used at most: the scheduler does not see the kernel take the processor
        away, and only plan full tells time in system calls from time running.
        """
        return _frame(cpu.collect(self._engine, _selection(**selection), by, system))

    def plot_park_over_time(self, **selection: Any) -> Figure:
        """When waits of which length ended, as a heat map."""
        from gtrace_analyze.render.plots import park as plots

        return plots.draw_over_time(
            park.chart(self._engine, _selection(**selection)), str(self.path)
        )

    def wakers(self, by: str = "function", system: bool = False, **selection: Any) -> pd.DataFrame:
        """Who woke whom, by "function" or "goroutine"; see the view `wake_graph`."""
        return _frame(wakers.collect(self._engine, _selection(**selection), by, system))

    def critical_path(
        self,
        goid: int,
        at: str | int | None = None,
        start: str | int | None = None,
        pid: int | None = None,
    ) -> critical_path.Path:
        """What a goroutine's time up to a moment went to, back through those that woke it.

        Raises QueryError if the recording does not have it, UsageError if it did not exist then.
        """
        return critical_path.collect(self._engine, goid, at, start, pid)

    def channels(self, **selection: Any) -> pd.DataFrame:
        """Who meets and waits at which channel, and how full it is; see the view `channels`."""
        return _frame(channels.collect(self._engine, _selection(**selection)))

    def diff(self, other: Trace, **selection: Any) -> pd.DataFrame:
        """What changed from this recording to another; the columns are those of Difference."""
        import dataclasses

        from gtrace_analyze.frames import Table

        found = diff.collect(self._engine, other._engine, _selection(**selection))
        names = [f.name for f in dataclasses.fields(diff.Difference)]
        return Table([[getattr(d, name) for name in names] for d in found], columns=names)

    def timeline(self, most: int = 32, **selection: Any) -> Figure:
        """A Gantt chart of at most `most` goroutines below the number alive."""
        from gtrace_analyze.render.plots import timeline as plots

        chart = timeline.collect(self._engine, _selection(**selection), most)
        return plots.draw(chart, str(self.path))

    def goroutine(self, goid: int, pid: int | None = None) -> goroutine.Life:
        """One goroutine's life. Raises QueryError if the recording does not have it."""
        return goroutine.collect(self._engine, goid, pid)

    def report(self, start: str | int | None = None, end: str | int | None = None) -> str:
        """All that stands out, as one HTML page that needs no other file.

        With `start` or `end`, of that span of time.
        """
        from gtrace_analyze.analyses import report
        from gtrace_analyze.render.html.report import page

        return page(report.collect(self._engine, Selection(start, end)), str(self.path))

    def health(self) -> pd.DataFrame:
        """How far the recording can be believed; see the view `health`."""
        return _frame(health.collect(self._engine))

    def sql(self, query: str) -> pd.DataFrame:
        """The rows of a query over the views. Raises QueryError if it is wrong or no query."""
        return _frame(self._engine.query(query))

    def close(self) -> None:
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _repr_html_(self) -> str:
        from gtrace_analyze.render.html import render

        return render("summary.html", {"summary": self.summary()})

    def __repr__(self) -> str:
        manifest = self._engine.recording.manifest
        return f"<gtrace recording {self.path}, plan {manifest.plan}>"


def _selection(
    start: str | int | None = None,
    end: str | int | None = None,
    goids: Iterable[int] = (),
    func: str | None = None,
) -> Selection:
    return Selection(start, end, frozenset(goids), func)


def _duration(text: str) -> int:
    length = parse_duration(text)
    if length is None:
        raise UsageError(f"{text!r} is no duration: write 250ms, 30s or 1m30s")
    return length


def _frame(table: pa.Table) -> pd.DataFrame:
    from gtrace_analyze.frames import Table

    return Table.of(table)
