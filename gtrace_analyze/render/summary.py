"""The summary as text or JSON."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TextIO

import pyarrow as pa

from gtrace_analyze.analyses.leaks import LeakGroup
from gtrace_analyze.analyses.summary import Summary
from gtrace_analyze.render.listing import Column, Layout, records, show, wrapped, write_json
from gtrace_analyze.units import counted, duration, number, short_function

__all__ = ["show_summaries"]

_SITES = [
    Column("created", "CREATED", number, right=True),
    Column("ended", "ENDED", number, right=True),
    Column("live", "LIVE", number, right=True),
    Column("function", "GOROUTINE", short_function, elastic=True),
    Column("created_by", "CREATED BY", short_function, elastic=True, spare=True),
]
_PARKS = [
    Column("waited_ns", "TIME", duration, right=True),
    Column("waits", "WAITS", number, right=True),
    Column("p50_ns", "P50", duration, right=True),
    Column("open", "OPEN", number, right=True),
    Column("reason", "REASON", elastic=True),
    Column("function", "FUNCTION", short_function, elastic=True),
]

_NOT_KNOWN = "not known: none of the events can be read"


def show_summaries(
    found: Mapping[str, Summary], as_json: bool, stream: TextIO | None = None
) -> None:
    """Print the summaries of one or several traces, by their sources."""
    out = stream or sys.stdout
    if as_json:
        values = [{"source": source} | _plain(summary) for source, summary in found.items()]
        write_json(values if len(values) > 1 else values[0], out)
        return
    for position, (source, summary) in enumerate(found.items()):
        out.write("\n" if position else "")
        _write(source, summary, out)


def _plain(summary: Summary) -> dict[str, Any]:
    def convert(value: Any) -> Any:
        if isinstance(value, pa.Table):
            return records(value)
        if isinstance(value, list) and value and isinstance(value[0], LeakGroup):
            return [group.to_dict() for group in value]
        return value

    fields = dataclasses.fields(summary)
    return {field.name: convert(getattr(summary, field.name)) for field in fields}


def _write(source: str, summary: Summary, out: TextIO) -> None:
    facts = [("recording", _recording(source, summary)), ("time", _time(summary))]
    facts += [("target", _target(target)) for target in summary.targets]
    facts += [
        ("events", _events(summary)),
        ("goroutines", _goroutines(summary)),
        ("trust", "nothing lost, nothing uncertain" if not summary.notes else summary.notes[0]),
    ]
    facts += [("", note) for note in summary.notes[1:]]
    facts.append(("leaks", _leaks(source, summary)))
    for name, text in facts:
        out.write(wrapped(f"{name:<11} {text}", " " * 12) + "\n")
    if summary.sites.num_rows:
        out.write("\nwhere goroutines come from, most growth first\n")
        show(records(summary.sites), _SITES, Layout(), summary.sites.column_names, out)
    if summary.parks.num_rows:
        out.write("\nwhere they wait, longest in all first\n")
        rows = [
            row | {"waited_ns": row["total_ns"] + row["open_ns"]} for row in records(summary.parks)
        ]
        show(rows, _PARKS, Layout(), [*summary.parks.column_names, "waited_ns"], out)


def _recording(source: str, summary: Summary) -> str:
    recording = summary.recording
    status = {
        "stopped": f"stopped: {recording['stop_reason'] or 'reason not given'}",
        "recording": "still being written",
        "cut": "cut: the recorder died",
    }[recording["status"]]
    return f"{source}, plan {recording['plan']}, {status}"


def _time(summary: Summary) -> str:
    length = duration(summary.recording["dur"])
    if summary.wall_start_ns is None:
        return length
    start = datetime.fromtimestamp(summary.wall_start_ns / 1e9).astimezone()
    return f"{length} from {start:%Y-%m-%d %H:%M:%S %z} on, on {summary.host.get('hostname', '?')}"


def _target(target: dict[str, Any]) -> str:
    end = ""
    if target["ended_ts"] is not None:
        status = target["exit_status"]
        end = ", ended" + ("" if status is None else f" with status {status}")
    command = shlex.join(target["argv"]) or target["path"]
    return f"{command} (pid {target['pid']}, {target['go_version']}, {target['arch']}){end}"


def _events(summary: Summary) -> str:
    total = sum(summary.events.values())
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in list(summary.events.items())[:4])
    if not total:
        return _NOT_KNOWN if summary.unreadable else "none"
    rate = total / max(summary.recording["dur"], 1) * 1e9
    return f"{total:,} ({rate:,.0f}/s, {summary.bytes / total:.1f} bytes each): {kinds}" + (
        ", …" if len(summary.events) > 4 else ""
    )


def _goroutines(summary: Summary) -> str:
    counts = summary.goroutines
    return (
        f"{counts['at_start']:,} at the start, {counts['created']:,} created, "
        f"{counts['ended']:,} ended, {counts['live']:,} at the end "
        f"({counts['system_live']:,} of them the runtime's)"
    )


def _leaks(source: str, summary: Summary) -> str:
    if not summary.leaks:
        nothing = summary.unreadable and not summary.events
        return _NOT_KNOWN if nothing else "none found"
    sure, doubtful = (Counter[str | None]() for _ in range(2))
    for group in summary.leaks:
        (sure if group.verdict == "leak" else doubtful)[group.function] += group.count
    parts = [f"{counted(sure.total(), 'goroutine')}: {_places(sure)}"] if sure else []
    if doubtful:
        more = "more " if sure else ""
        suspect = counted(doubtful.total(), f"{more}is suspect", f"{more}are suspect")
        parts.append(suspect if sure else f"none for sure; {suspect}: {_places(doubtful)}")
    return "; ".join([*parts, f"see gtrace-analyze leaks {shlex.quote(source)}"])


def _places(counts: Counter[str | None]) -> str:
    """The functions with the most goroutines."""
    most = [f"{n:,} in {short_function(function)}" for function, n in counts.most_common(3)]
    return ", ".join(most) + (", …" if len(counts) > len(most) else "")
