"""A recording in progress, as a screen and as lines of JSON."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gtrace_analyze.analyses.watch import Sample
from gtrace_analyze.units import duration, number, short_function, short_place

__all__ = ["line", "screen"]


def line(sample: Sample, most: int) -> str:
    """One line of JSON, with at most `most` places and sites."""
    values = dataclasses.asdict(sample)
    values["places"], values["sites"] = values["places"][:most], values["sites"][:most]
    return json.dumps(values, ensure_ascii=False)


def screen(sample: Sample, source: str, most: int) -> RenderableType:
    """What fills a terminal."""
    return Group(_head(sample, source), Text(), _sites(sample, most), Text(), _places(sample, most))


def _head(sample: Sample, source: str) -> Text:
    text = Text()
    text.append(source, style="bold")
    text.append(f"  {sample.status}, {duration(sample.elapsed_ns)}\n")
    text.append(
        f"{number(sample.events)} events, {sample.events_per_s:,.0f}/s; "
        f"{number(sample.live)} goroutines alive\n"
    )
    kinds = sorted(sample.kinds_per_s.items(), key=lambda item: -item[1])
    text.append(", ".join(f"{kind} {rate:,.0f}/s" for kind, rate in kinds[:5]) + "\n", "dim")
    if sample.lost:
        text.append(f"{number(sample.lost)} events lost, {sample.lost_per_s:,.0f}/s now: ", "red")
        text.append("what lives and waits is uncertain", "red")
    else:
        text.append("nothing lost", "green")
    text.append(
        f"; ring {sample.ring_fill:.0%} full, recorder at {sample.recorder_cpu:.1%} of a processor "
        f"and {sample.recorder_rss_bytes / 2**20:.0f} MiB"
    )
    return text


def _sites(sample: Sample, most: int) -> Table:
    table = _table("ALIVE", "CHANGE/S", "", "CREATED BY", "AT")
    for site in sample.sites[:most]:
        table.add_row(
            number(site["live"]),
            f"{site['growth_per_s']:+,.2f}",
            Text("grows", "red") if site["grows"] else "",
            _name(site["created_by"]),
            _at(site["created_at"]),
        )
    return table


def _places(sample: Sample, most: int) -> Table:
    table = _table("WAITING", "WAITS/S", "OLDEST", "REASON", "WAITS IN")
    for place in sample.places[:most]:
        where = short_place(place["file"], place["line"])
        table.add_row(
            number(place["waiting"]),
            f"{place['parks_per_s']:,.1f}",
            duration(place["oldest_ns"]),
            Text(place["reason"] or "-"),
            Text.assemble(_name(place["function"]), "  ", (where, "dim")),
        )
    return table


def _table(*titles: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for position, title in enumerate(titles):
        right = position < 3 and title != ""
        table.add_column(title, justify="right" if right else "left", no_wrap=True)
    return table


def _name(function: str | None) -> Text:
    """As text, since rich takes what stands in brackets for its own."""
    return Text(short_function(function), overflow="ellipsis")


def _at(place: Any) -> Text:
    if not place:
        return Text("-")
    file, _, number_ = place.rpartition(":")
    return Text(short_place(file, int(number_)) if number_.isdigit() else place, "dim")
