"""gtrace-analyze export openmetrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands.export import _common

if TYPE_CHECKING:
    from gtrace_analyze.selection import Selection


@click.command(
    epilog="Examples: gtrace-analyze export openmetrics trace.parquet -o trace.om;  "
    "promtool tsdb create-blocks-from openmetrics trace.om /var/lib/prometheus/metrics2"
)
@_common.a_file
@click.option(
    "--step",
    metavar="DURATION",
    help="Time between two points.  [default: 1s; 15s for more than an hour]",
)
@click.option(
    "--label",
    "labels",
    metavar="NAME=VALUE",
    multiple=True,
    help="Give all series this label. They have job and instance unless set otherwise.",
)
def command(
    trace: str,
    selection: Selection,
    output: str | None,
    step: str | None,
    labels: tuple[str, ...],
) -> None:
    """Metrics with timestamps, to fill Prometheus with a recording.

    Lifetimes, park time by reason and scheduling latency as histograms, live goroutines, and what
    was lost. The names are those of gtrace-rec --metrics.
    """
    from gtrace_analyze.export import openmetrics

    step_ns = _common.duration(step, "--step") if step else None
    pairs = _common.pairs(labels, "--label", r"[a-zA-Z_]\w*")
    _common.to_file(
        trace,
        output,
        lambda engine, out: openmetrics.write(engine, out, selection, step_ns, pairs),
        binary=False,
        hint="promtool tsdb create-blocks-from openmetrics {} DIRECTORY",
    )
