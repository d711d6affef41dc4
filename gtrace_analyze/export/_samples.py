"""What a recording measured, by stack: the common ground of pprof, folded and speedscope."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gtrace_analyze._errors import UsageError
from gtrace_analyze.analyses import leaks
from gtrace_analyze.engine import Engine
from gtrace_analyze.export._stacks import Location, Stack, Stacks, start_of
from gtrace_analyze.export._streams import batches
from gtrace_analyze.selection import Selection

__all__ = ["MEASURES", "Measure", "Sample", "collect", "known_measures"]

# A pprof label with more values than this is an identity, not a group.
_MOST_VALUES = 100


@dataclass(frozen=True)
class Measure:
    """One kind of number. `needs` is the kind of event without which it cannot be known."""

    name: str
    unit: str
    measure: str  # rows of stack_samples
    column: str
    needs: str | None


MEASURES = {
    m.name: m
    for m in (
        Measure("parks", "count", "park", "count", "park"),
        Measure("park", "nanoseconds", "park", "ns", "park"),
        Measure("latency", "nanoseconds", "latency", "ns", "run"),
        Measure("cpu", "nanoseconds", "cpu", "ns", "run"),
        Measure("syscall", "nanoseconds", "syscall", "ns", "syscall_exit"),
        Measure("created", "count", "created", "count", "create"),
        Measure("goroutine", "count", "goroutine", "count", None),
        Measure("leak", "count", "leak", "count", "park"),
    )
}
_SAMPLES = (
    "FROM stack_samples($start, $end, $goids, $pattern, $goid_too, $keys, "
    "$judged::STRUCT(pid INTEGER, goid BIGINT, verdict VARCHAR)[]) ORDER BY ALL"
)


@dataclass(frozen=True)
class Sample:
    """A stack, and one row of `stack_samples` about it."""

    stack: Stack
    measure: str
    count: int
    ns: int
    labels: Mapping[str, str]
    goid: int | None


def known_measures(engine: Engine) -> list[Measure]:
    """The measures that this recording's plan can tell."""
    watched = {r["kind"] for r in engine.rows("SELECT kind FROM stg_event_kinds WHERE watched")}
    return [m for m in MEASURES.values() if m.needs is None or m.needs in watched]


def collect(engine: Engine, selection: Selection, by_goid: bool = False) -> Iterator[Sample]:
    """All samples. Raises UsageError, at once, if there is nothing in the selection."""
    found = _collect(engine, selection, by_goid)
    first = next(found, None)
    if first is None:
        raise UsageError("nothing to export: no goroutine matches the selection")
    return itertools.chain([first], found)


def _collect(engine: Engine, selection: Selection, by_goid: bool) -> Iterator[Sample]:
    arguments = {
        **selection.parameters(engine),
        "goid_too": by_goid,
        "keys": _label_keys(engine),
        "judged": _judged(engine, selection),
    }
    stacks = Stacks(engine)
    exes = {p.pid: p.exe for p in engine.recording.manifest.processes}
    for batch in batches(engine, _SAMPLES, arguments):
        for row in batch.to_pylist():
            start = start_of(exes.get(row["pid"], 0), row["function"])
            stack = stacks.get(row["stack_id"]) or start
            if row["measure"] == "cpu":
                stack = _shared(stack, stacks.get(row["next_stack_id"]) or start)
            labels = _labels(row, several=len(exes) > 1)
            yield Sample(stack, row["measure"], row["count"], row["ns"], labels, row["goid"])


def _labels(row: dict[str, Any], several: bool) -> dict[str, str]:
    labels = {entry["key"]: entry["value"] for entry in row["labels"] or ()}
    for name in ("created_by", "state", "reason", "verdict"):
        if row[name] is not None:
            labels[name] = row[name]
    if several:
        labels["pid"] = str(row["pid"])
    if not row["certain"]:
        labels["certain"] = "no"
    return labels


def _shared(before: Stack, after: Stack) -> Stack:
    """The frames that a goroutine surely had while it ran from one stack to another.

    Nobody looked at it meanwhile, but callers that both have were there, most likely throughout.
    The innermost are the calls in which it waited, and which it therefore had left.
    """
    kept: list[Location] = []
    for one, other in zip(reversed(before), reversed(after), strict=False):
        if one.pc == other.pc and one.lines == other.lines:
            kept.append(one)
            continue
        pairs = zip(reversed(one.lines), reversed(other.lines), strict=False)
        same = 0
        for mine, theirs in pairs:
            if mine.function != theirs.function:
                break
            same += 1
        known = one if one.pc else other
        if same:
            kept.append(Location(known.exe, known.pc, known.lines[len(known.lines) - same :]))
        break
    while len(kept) > 1 and all(line.plumbing for line in kept[-1].lines):
        kept.pop()
    return tuple(reversed(kept)) or before[-1:]


def _judged(engine: Engine, selection: Selection) -> list[dict[str, Any]]:
    only = engine.recording.manifest.processes[0].pid if engine.recording.manifest.processes else 0
    return [
        {"pid": only if group.pid is None else group.pid, "goid": goid, "verdict": group.verdict}
        for group in leaks.collect(engine, selection)
        for goid in group.goids
    ]


def _label_keys(engine: Engine) -> list[str]:
    rows = engine.rows(
        "SELECT e.key AS key FROM (SELECT unnest(map_entries(labels)) AS e FROM goroutines) "
        "GROUP BY e.key HAVING count(DISTINCT e.value) <= $most",
        {"most": _MOST_VALUES},
    )
    return [row["key"] for row in rows]
