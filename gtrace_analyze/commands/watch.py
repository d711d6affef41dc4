"""gtrace-analyze watch."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gtrace_analyze.analyses.watch import Sample


@click.command(
    epilog="Examples: gtrace-analyze watch trace.parquet;  "
    "gtrace-analyze watch --json trace.parquet | jq .events_per_s"
)
@click.argument("trace")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each look.")
@click.option("--every", metavar="TIME", default="1s", show_default=True, help="How often to look.")
@click.option(
    "--window",
    metavar="TIME",
    default="1m",
    show_default=True,
    help="Over how long to see what grows.",
)
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1),
    default=8,
    show_default=True,
    help="Rows of each list.",
)
def command(trace: str, as_json: bool, every: str, window: str, limit: int) -> None:
    """A recording that is still being written, live.

    Shows rates, go statements by growth, the busiest places of waiting, and what is lost. It ends
    when the recording does, or with Ctrl-C; the recorder does not notice it.
    """
    from pathlib import Path

    from gtrace_analyze.analyses.watch import Watch
    from gtrace_analyze.render import watch as render

    if not as_json and not sys.stdout.isatty():
        raise click.UsageError("standard output is no terminal; --json prints lines for programs")
    path, pause, window_ns = Path(trace), _seconds(every), round(_seconds(window) * 1e9)
    _refuse_finished(path)
    samples = _samples(Watch(path, window_ns), pause)
    if as_json:
        _each(samples, lambda sample: click.echo(render.line(sample, limit)))
    else:
        from rich.live import Live

        with Live(screen=True, auto_refresh=False) as live:
            _each(
                samples,
                lambda sample: live.update(render.screen(sample, trace, limit), refresh=True),
            )
    if (status := _status(path)) != "recording":
        click.echo(f"{trace}: {status}; next: gtrace-analyze summary {trace}", err=True)


def _each(samples: Iterator[Sample], show: Callable[[Sample], None]) -> None:
    try:
        for sample in samples:
            show(sample)
            sys.stdout.flush()
    except KeyboardInterrupt:
        pass  # the way to leave


def _samples(watch: object, pause: float) -> Iterator[Sample]:
    """Samples until the recording ends, at equal distances; the last one shows its end."""
    due = time.monotonic()
    while True:
        sample: Sample = watch.sample()  # type: ignore[attr-defined]
        yield sample
        if sample.status != "recording":
            return
        due = max(due + pause, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


def _refuse_finished(path: Path) -> None:
    from gtrace_analyze._errors import UsageError

    if (status := _status(path)) != "recording":
        raise UsageError(
            f"{path}: is not being written any more ({status}); to see what it holds: "
            f"gtrace-analyze summary {path}"
        )


def _status(path: Path) -> str:
    from gtrace_analyze.recording import read

    return read(path).status


def _seconds(text: str) -> float:
    from gtrace_analyze.units import parse_duration

    length = parse_duration(text)
    if not length:
        raise click.UsageError(f"{text!r} is no duration: write 500ms, 1s or 1m30s")
    return length / 1e9
