"""Write docs/conformance.md: what was recorded, against what Go's own tracer says, in numbers.

python tests/conformance/report.py [VERSION...]
"""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import toolchains  # noqa: E402
from conformance.cost import Cost, cost  # noqa: E402
from conformance.figures import APART, Figures, figures, total, why_apart  # noqa: E402
from conformance.holdups import hold_ups  # noqa: E402
from conformance.matching import Match, match  # noqa: E402
from conformance.observe import (  # noqa: E402
    CGO,
    CGO_SINCE,
    Observation,
    observe,
    observe_both,
    workloads,
)

HEAD = """# Conformance with Go's own execution tracer

One program runs under `gtrace-rec --plan full` and under Go's own `runtime/trace` at once. The
witness is read through `go tool trace -d=parsed`; each transition of each goroutine is matched, in
order, with one of the recording's intervals. Both note `CLOCK_MONOTONIC` from Go 1.22 on; the
traces of before that are laid on it by the moments of the goroutines' creation. Program and
recorder run at real-time priority, for a process that the kernel runs between the two notes of one
moment would say nothing about either; the tests assert the same without it. Written by
`python tests/conformance/report.py` on {machine}.

| column | meaning |
|---|---|
| transitions | of goroutines from one state to another, as the witness has them |
| matched | those recorded, one to one, in the order of each goroutine |
| invented | transitions recorded that the witness does not have |
| wakers | wake-ups and creations by a goroutine, as the witness has them; those equal |
| stacks | stacks of parks, wake-ups and creations that both took; those equal |
| times | goroutines × states; those whose time is within 1 % or 20 µs a transition |
| program's | the same less what the kernel had the thread off its processor between the two notes |
| apart | how far apart the two note the same moment: median, and that of 99 % |
"""

# Why the one has what the other has not.
REASONS = {
    "Syscall→Runnable": "before Go 1.22 the witness writes the same for a system call that found a "
    "processor at once and one that had to queue; told apart by time, at times wrongly",
}
REASONS["Runnable→Running"] = REASONS["Syscall→Running"] = REASONS["Syscall→Runnable"]


@dataclass(frozen=True)
class Row:
    """The figures of one workload."""

    name: str
    figures: Figures
    found: Match


def main(versions: Sequence[str]) -> None:
    """Run the programs and write the page."""
    page = _Page()
    for version in versions or toolchains.TOOLCHAINS:
        page.add(f"Go {version}", version, workloads(version), _seen(version, workloads(version)))
    for version in versions or toolchains.TOOLCHAINS:
        if int(version.split(".")[1]) >= CGO_SINCE:
            title = f"Threads of C that call Go, Go {version}"
            page.add(title, version, [CGO], _seen(version, [CGO]))
    newest = toolchains.NEWEST
    names, pair = ["channels", "locks", "timers"], ("1.24.11", newest)
    print("two programs", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder, _real_time():
        both = observe_both(pair, names, Path(folder), plan="full")
    for version, seen in zip(pair, both, strict=True):
        page.add(f"Two programs in one recording: that of Go {version}", version, names, seen)
    page.add(f"100,000 goroutines, Go {newest}", newest, ["crowd"], _seen(newest, ["crowd"]))
    costs = [cost(newest, plan) for plan in ("lifecycle", "park", "sched", "full")]
    (ROOT / "docs" / "conformance.md").write_text("\n".join([*page.parts(), _costs(costs)]))


def _seen(version: str, names: Sequence[str]) -> Observation:
    print(version, *names, file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder, _real_time():
        return observe(version, names, Path(folder), plan="full")


class _Page:
    """One table for each observation, and what is said of all of them."""

    def __init__(self) -> None:
        self._sections: list[str] = []
        self._rest: Counter[tuple[str, str, str]] = Counter()
        self._apart: dict[str, Counter[str]] = {}
        self._gaps: list[pd.Series] = []

    def add(self, title: str, version: str, names: Sequence[str], seen: Observation) -> None:
        found = {name: match(seen, name) for name in names}
        rows = [Row(name, figures(match), match) for name, match in found.items()]
        self._sections.append(_section(title, rows))
        self._rest.update(_rest(version, rows))
        self._apart[title] = _apart(rows)
        self._gaps += [match.both.apart for match in found.values()]

    def parts(self) -> list[str]:
        times = _times(self._apart, pd.concat(self._gaps))
        return [HEAD.format(machine=_machine()), *self._sections, _listed(self._rest), times]


@contextlib.contextmanager
def _real_time() -> Iterator[None]:
    """Whatever is started meanwhile runs before every other process (sched(7))."""
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def _machine() -> str:
    release = ".".join(platform.release().split(".")[:2])
    return (
        f"a virtual machine of {os.cpu_count()} busy cores (Linux {release}, {platform.machine()})"
    )


def _section(title: str, rows: list[Row]) -> str:
    lines = [
        f"## {title}\n",
        "| workload | transitions | matched | invented | wakers | stacks | times | program's "
        "| apart µs |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [_line(row.name, row.figures, row.found.both.apart) for row in rows]
    if len(rows) > 1:
        apart = pd.concat([row.found.both.apart for row in rows])
        lines.append(_line("**all**", total(row.figures for row in rows), apart))
    return "\n".join(lines) + "\n"


def _line(name: str, f: Figures, apart: pd.Series) -> str:
    near = apart.abs() / 1000
    cells = (
        *(name, f"{f.transitions:,}", _share(f.matched, f.transitions), f"{f.invented:,}"),
        *(_share(f.wakers_equal, f.wakes), _share(f.stacks_equal, f.stacks)),
        *(_share(f.times_agree, f.times), _share(f.times_agree_running, f.times)),
        f"{near.median():.1f}, {near.quantile(0.99):.1f}",
    )
    return f"| {' | '.join(cells)} |"


def _share(part: int, whole: int) -> str:
    if part == whole:
        return f"{whole:,} of {whole:,}"
    return f"{part:,} of {whole:,} ({int(part / whole * 10_000) / 100:.2f} %)"


def _rest(version: str, rows: list[Row]) -> Counter[tuple[str, str, str]]:
    """How many were not matched, by version, whose they are, and label."""
    return Counter(
        (version, side, f"{old}→{new}")
        for row in rows
        for side, frame in (("witness", row.found.missed), ("recorded", row.found.invented))
        for old, new in zip(frame.old, frame.new, strict=True)
    )


def _listed(rest: Counter[tuple[str, str, str]]) -> str:
    lines = ["## What was not matched\n"]
    if not rest:
        return lines[0] + "\nNothing.\n"
    lines += ["| Go | only by | transition | count | reason |", "|---|---|---|--:|---|"]
    for (version, side, label), count in sorted(rest.items()):
        minor = int(version.split(".")[1])
        reason = REASONS.get(label, "not known") if minor < 22 else "not known"
        lines.append(f"| {version} | {side} | {label} | {count} | {reason} |")
    return "\n".join(lines) + "\n"


def _apart(rows: list[Row]) -> Counter[str]:
    """How many times in a state do not agree, by the reason."""
    return Counter(reason for row in rows for reason in why_apart(row.found.both))


def _times(apart: dict[str, Counter[str]], gaps: pd.Series) -> str:
    lines = [
        "## Why times differ\n",
        "Each goroutine and state whose time is not within the limit, by what lies between the two "
        "notes of the transition where they are farthest apart.\n",
        *(f"* {name}: {meaning}" for name, meaning in APART.items()),
        "",
        f"| recording | {' | '.join(APART)} |",
        f"|---|{'--:|' * len(APART)}",
    ]
    lines += [
        f"| {title} | {' | '.join(f'{counts[name]:,}' for name in APART)} |"
        for title, counts in apart.items()
    ]
    seconds = 5
    with _real_time():
        held = hold_ups(seconds)
    if held is not None:
        more = held[held.unseen_ns > 20_000]
        unseen = held[held.unseen_ns == held.ns].ns / 1000
        gap = gaps.abs().median()
        between = len(held) / (seconds * 1e9) * gap * len(gaps)
        lines.append(
            f"\nOn the same machine, a program that nobody observed did nothing but read the clock "
            f"for {seconds} s, at the same priority. It was held up for more than 20 µs "
            f"{len(held):,} times, {len(more):,} times by more than 20 µs beyond what its kernel's "
            f"tracepoints tell. Of {len(unseen):,} they tell nothing at all: "
            f"{unseen.sum() / 1000:.1f} ms together, {unseen.max():,.0f} µs at most. By chance, "
            f"{between:,.0f} of all {len(gaps):,} pairs of notes, {gap / 1000:.1f} µs apart, have "
            f"one between them. Of all time since it started, its kernel counts {_stolen():.2%} as "
            f"stolen by the host."
        )
    return "\n".join(lines) + "\n"


def _stolen() -> float:
    """The share of all processors' time that the host took (proc_stat(5))."""
    ticks = [int(n) for n in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return ticks[7] / sum(ticks)


def _costs(costs: list[Cost]) -> str:
    lines = [
        "## What the probes cost\n",
        "The processor time of the same work (channels and churn, without Go's tracer), recorded "
        "and not, in turns; the median of each. It is time that the program would not have spent: "
        "both observers see it. What it costs once, to be launched and attached to, is in it.\n",
        "| plan | not recorded | recorded | events | each |",
        "|---|--:|--:|--:|--:|",
    ]
    for c in costs:
        alone, recorded = c.alone_ns / 1e6, c.recorded_ns / 1e6
        lines.append(
            f"| {c.plan} | {alone:.0f} ms | {recorded:.0f} ms | {c.events:,} | "
            f"{(c.recorded_ns - c.alone_ns) / c.events / 1000:.2f} µs |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
