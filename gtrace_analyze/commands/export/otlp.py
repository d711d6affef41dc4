"""gtrace-analyze export otlp."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands.export import _common

if TYPE_CHECKING:
    from gtrace_analyze.selection import Selection


@click.command(
    epilog="Examples: gtrace-analyze export otlp trace.parquet --endpoint http://localhost:4318;  "
    "gtrace-analyze export otlp trace.parquet --func main.handle -o spans.jsonl"
)
@_common.a_file
@click.option(
    "--endpoint",
    metavar="URL",
    envvar="OTEL_EXPORTER_OTLP_ENDPOINT",
    help="Send to this receiver by OTLP/HTTP, unless -o is given.",
)
@click.option(
    "--header", "headers", metavar="NAME=VALUE", multiple=True, help="Send this HTTP header."
)
@click.option(
    "--resource",
    metavar="NAME=VALUE",
    multiple=True,
    help="Set an attribute of the process, e.g. service.name=shop.",
)
@click.option(
    "--events",
    type=click.IntRange(0),
    default=128,
    show_default=True,
    help="Give a span at most this many events, of its longest waits.",
)
@click.option(
    "--batch",
    type=click.IntRange(1),
    default=512,
    show_default=True,
    help="Send at most this many spans at once.",
)
@click.option(
    "--retries",
    type=click.IntRange(0),
    default=5,
    show_default=True,
    help="Send a request again this often, each time after twice as long.",
)
def command(
    trace: str,
    selection: Selection,
    output: str | None,
    endpoint: str | None,
    headers: tuple[str, ...],
    resource: tuple[str, ...],
    events: int,
    batch: int,
    retries: int,
) -> None:
    """Goroutines as OpenTelemetry spans, to a receiver or as JSON.

    The span of a goroutine lies under that of its creator, and has its longest waits as events.
    Each export of a recording has the same identifiers. Exit status 1 if the receiver did not take
    all of them.
    """
    facts = _common.pairs(resource, "--resource", r"[\w.-]+")
    given = _common.pairs(headers, "--header", r"[\w-]+")
    with _common.extra("otlp"):
        from gtrace_analyze.export import otlp
    if output is not None or endpoint is None:
        _common.to_file(
            trace,
            output,
            lambda engine, out: otlp.write(engine, out, selection, facts, events),
            binary=False,
        )
        return
    delivery = otlp.Delivery(given, batch, retries)
    with _common.open_trace(trace) as engine:
        what = otlp.send(engine, endpoint, delivery, selection, facts, events)
    _common.wrote(endpoint, what)
