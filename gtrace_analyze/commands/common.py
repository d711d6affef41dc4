"""What the commands share: the options, the traces they open, the way they print."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gtrace_analyze.engine import Engine
    from gtrace_analyze.selection import Selection

__all__ = [
    "DURATION",
    "Opened",
    "apart",
    "between",
    "listing",
    "matching",
    "note",
    "opened",
    "opened_one",
    "pictures",
    "save",
    "selecting",
    "telling_moments",
    "traces",
]

_BAR = 20  # columns

_F = TypeVar("_F", bound=Callable[..., Any])


class _Duration(click.ParamType):  # type: ignore[type-arg]
    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from gtrace_analyze.units import parse_duration

        length = parse_duration(str(value))
        if length is None:
            self.fail(f"{value!r} is no duration: write 250ms, 30s or 1m30s", param, ctx)
        return length


DURATION = _Duration()  # an option's value like 30s, in ns

traces = click.argument("traces", metavar="TRACE...", nargs=-1, required=True)


@dataclass(frozen=True)
class Opened:
    """One of the traces of a command line; `source` is how it was called there."""

    source: str
    engine: Engine


def between(command: _F) -> _F:
    """Give a command `selection`: a span of time."""

    @click.option(
        "--from",
        "start",
        metavar="TIME",
        help="Begin here: 5s after the start, -5s before the end, a ts, or a time of day.",
    )
    @click.option("--to", "end", metavar="TIME", help="End here; written like --from.")
    @functools.wraps(command)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        from gtrace_analyze.selection import Selection

        given = {
            "goids": frozenset(kwargs.pop("goids", ())),
            "function": kwargs.pop("function", None),
        }
        selection = Selection(kwargs.pop("start"), kwargs.pop("end"), **given)
        return command(*args, selection=selection, **kwargs)

    return wrapper  # type: ignore[return-value]


def telling_moments(command: _F) -> _F:
    """Give a command `wall`: whether moments are to be told on the wall clock."""
    return click.option(
        "--wall", is_flag=True, help="Tell moments by the wall clock, not from the start."
    )(command)


def selecting(command: _F) -> _F:
    """Give a command `selection`: a span of time, goroutines, functions."""
    goids = click.option(
        "--goid", "goids", metavar="N", type=int, multiple=True, help="Only this goroutine."
    )
    function = click.option(
        "--func", "function", metavar="REGEX", help="Only where a function matches."
    )
    return between(goids(function(command)))


def listing(limit: int = 20) -> Callable[[_F], _F]:
    """Give a command `layout`; in text, it shows `limit` rows unless told otherwise."""
    default = f"{limit} in text, else all" if limit else "all"

    def decorate(command: _F) -> _F:
        @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
        @click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
        @click.option(
            "-n",
            "--limit",
            type=click.IntRange(0),
            help=f"At most this many rows; 0 for all.  [default: {default}]",
        )
        @click.option("--sort", metavar="COLUMN[:asc|:desc]", help="Sort by this column.")
        @functools.wraps(command)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            from gtrace_analyze.render.listing import Layout

            as_json, as_csv = kwargs.pop("as_json"), kwargs.pop("as_csv")
            if as_json and as_csv:
                raise click.UsageError("--json and --csv exclude each other")
            form = "json" if as_json else "csv" if as_csv else "text"
            given = kwargs.pop("limit")
            rows = given if given is not None else limit if form == "text" else 0
            layout = Layout(form, rows, kwargs.pop("sort"), asked=given)
            return command(*args, layout=layout, **kwargs)

        return wrapper  # type: ignore[return-value]

    return decorate


def opened(
    paths: tuple[str, ...],
    selection: Selection | None = None,
    notes: bool = True,
    empty: bool = False,
) -> Iterator[Opened]:
    """Open the traces one after the other; with `notes`, what is wrong with each is told.

    Raises TraceError at one in which there is nothing to analyze, unless `empty` is allowed, and
    UsageError if no goroutine of any of them is in the `selection`.
    """
    from gtrace_analyze.engine import connect
    from gtrace_analyze.recording import expand

    def each() -> Iterator[Opened]:
        for path in found:
            engine = connect(path, None if _is_quiet() else _progress)
            if engine.unkept:
                note(f"{path}: no index is kept ({engine.unkept}), so each command makes it anew")
            if not empty:
                _refuse_empty(engine)
            if notes:
                _tell_health(engine)
            yield Opened(str(path), engine)
            engine.close()

    found = expand(paths)
    yield from each() if selection is None else matching(each(), selection, len(found))


def matching(traces: Iterable[Opened], selection: Selection, count: int) -> Iterator[Opened]:
    """These `count` traces. It is told of which no goroutine is in the selection.

    Raises UsageError if that is so of all, lest nothing be read as "nothing wrong".
    """
    from gtrace_analyze._errors import UsageError

    missed = 0
    for trace in traces:
        if why := selection.missed(trace.engine):
            missed += 1
            if missed == count:
                raise UsageError(why)
            note(why)
        yield trace


@contextlib.contextmanager
def opened_one(path: str, empty: bool = False) -> Iterator[Opened]:
    """Open the one trace of a command that takes no more. Raises UsageError if it is several."""
    from gtrace_analyze._errors import UsageError
    from gtrace_analyze.recording import expand

    paths = [str(found) for found in expand((path,))]
    if len(paths) > 1:
        raise UsageError(f"{path} are {len(paths)} recordings; this takes one at a time")
    yield from opened((paths[0],), empty=empty)


def note_syscalls(trace: Opened) -> None:
    """Say so where running time is not told from time in system calls."""
    from gtrace_analyze.analyses import cpu, latency

    if latency.sees(trace.engine) and not cpu.sees_syscalls(trace.engine):
        note("running time includes system calls: they were not watched (plan full)")


def require_runs(trace: Opened) -> None:
    """Raise TraceError where the plan does not tell when goroutines run.

    No table at all, lest an empty one be read as "none".
    """
    from gtrace_analyze.analyses import latency

    if not latency.sees(trace.engine):
        _refuse(trace, "when a goroutine begins to run", "sched or full")


def require_wakes(trace: Opened) -> None:
    """Raise TraceError where the plan does not tell who wakes goroutines; likewise."""
    from gtrace_analyze.analyses import wakers

    if not wakers.sees(trace.engine):
        _refuse(trace, "who wakes a goroutine", "park, sched or full")


def _refuse(trace: Opened, what: str, plans: str) -> None:
    from gtrace_analyze._errors import TraceError

    plan = trace.engine.recording.manifest.plan
    raise TraceError(
        f"{trace.source}: plan {plan} does not tell {what}; record with --plan {plans}"
    )


def _refuse_empty(engine: Engine) -> None:
    """No answer at all, lest "none found" be read as one."""
    from gtrace_analyze._errors import TraceError

    seen = "EXISTS (FROM events) OR EXISTS (FROM goroutines)"
    if not engine.rows(f"SELECT {seen} AS seen")[0]["seen"]:
        path, damage = engine.recording.path, engine.recording.damage
        if damage:
            raise TraceError(
                f"{path}: nothing of it can be read: {damage[0].name} {damage[0].why}; a copy of "
                f"the file from elsewhere makes it whole again; more: gtrace-analyze health {path}"
            )
        raise TraceError(
            f"{path}: an empty recording, without a single event or goroutine; to see what was "
            f"recorded, and how: gtrace-analyze summary {path}"
        )


def note(line: str) -> None:
    """Say on stderr what the reader should know, unless told to be quiet."""
    if not _is_quiet():
        click.echo(f"note: {line}", err=True)


def _is_quiet() -> bool:
    return bool(click.get_current_context().find_root().params.get("quiet"))


def _tell_health(engine: Engine) -> None:
    """One line for each thing that the reader should know before believing the numbers."""
    from gtrace_analyze.analyses import health

    for line in health.notes(engine):
        note(line)


def _progress(what: str, done: int, total: int) -> None:
    """One line that overwrites itself, where someone is looking."""
    if sys.stderr is None or not sys.stderr.isatty():
        return
    full = round(_BAR * done / total)
    bar = "█" * full + "░" * (_BAR - full)
    text = f"building the index {bar} {done} of {total}, {what}" if done < total else ""
    sys.stderr.write(f"\r\x1b[K{text}")
    sys.stderr.flush()


def pictures(given: str, traces: tuple[str, ...]) -> dict[str, Path]:
    """Where to draw each trace, by its source; what tells several apart is in the names."""
    from gtrace_analyze.recording import expand

    found = expand(traces)
    path = Path(given)
    if len(found) == 1:
        return {str(found[0]): path}
    names = zip(map(str, found), apart(found), strict=True)
    return {source: path.with_name(f"{path.stem}-{name}{path.suffix}") for source, name in names}


def apart(paths: Sequence[Path]) -> list[str]:
    """A name of each path, made of what differs between them; no two are the same."""
    parts = [[*(path := Path(os.path.abspath(each))).parts[:-1], path.stem] for each in paths]
    first = _in_common(parts)
    last = _in_common([each[first:][::-1] for each in parts])
    if any(len(each) <= first + last for each in parts):
        last = 0
    names = ["-".join(each[first : len(each) - last]) for each in parts]
    if len(set(names)) < len(names):
        names = [f"{name}-{number}" for number, name in enumerate(names, 1)]
    return names


def _in_common(parts: Sequence[Sequence[str]]) -> int:
    """How many parts they all begin with."""
    same = (len(set(each)) == 1 for each in zip(*parts, strict=False))
    return sum(itertools.takewhile(bool, same))


def save(figure: Figure, path: Path) -> None:
    """Write a picture and say so."""
    from gtrace_analyze.render.plots import style

    style.save(figure, path)
    click.echo(f"wrote {path}", err=True)
