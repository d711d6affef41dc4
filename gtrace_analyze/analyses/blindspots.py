"""What a recording could not see, because it was not asked to."""

from __future__ import annotations

from typing import Any

from gtrace_analyze.engine import Engine
from gtrace_analyze.units import counted, duration

__all__ = ["collect"]


def collect(engine: Engine, gaps: list[dict[str, Any]] | None = None) -> list[str]:
    """One sentence for each thing that is missing by choice of plan, sampling or filters.

    ``gaps`` are all rows of `stg_gaps`, if they are known.
    """
    if gaps is None:
        gaps = engine.rows("SELECT ts, ts_end, cause FROM stg_gaps WHERE cause = 'probes off'")
    return [
        *_of_plan(engine, engine.recording.watched),
        *_of_windows(gaps),
        *_of_options(engine),
        *_of_the_start(engine),
    ]


def _of_plan(engine: Engine, watched: frozenset[str]) -> list[str]:
    plan = engine.recording.manifest.plan
    if not watched:
        return [
            f"The plan {plan} attaches no probe: what happened between two snapshots is not here. "
            "A goroutine that began and ended between them was never seen, and a wait is only "
            "known by the snapshots that found it."
        ]
    blind = []
    if "park" not in watched:
        blind.append(
            f"The plan {plan} does not watch waits: where goroutines wait is known only where a "
            "snapshot shows it, and how often and how long they did is not."
        )
    if "run" not in watched:
        blind.append(
            f"The plan {plan} does not watch the scheduler: between its waits it is not known "
            "whether a goroutine ran or waited for a thread."
        )
    if "run" in watched and "syscall_enter" not in watched:
        blind.append(f"The plan {plan} does not watch system calls: they count as running.")
    return blind


def _of_windows(gaps: list[dict[str, Any]]) -> list[str]:
    off = [gap["ts_end"] - gap["ts"] for gap in gaps if gap["cause"] == "probes off"]
    if not off:
        return []
    return [
        f"It was recorded in windows: {counted(len(off), 'time')}, {duration(sum(off))} in all, "
        "the probes were off to spare the target. What was short and lay there is not here."
    ]


def _of_options(engine: Engine) -> list[str]:
    options = engine.recording.manifest.options
    blind = []
    sample = options.get("sample") or 1
    if sample < 1:
        blind.append(
            f"Of all goroutines, {sample:.3g} were recorded, chosen by their numbers; all counts "
            "are of those."
        )
    for key, what in (("include", "Only"), ("exclude", "Not recorded were")):
        if names := options.get(f"filter.{key}"):
            blind.append(f"{what} goroutines of these packages: {', '.join(map(str, names))}.")
    return blind


def _of_the_start(engine: Engine) -> list[str]:
    if all(process.from_start for process in engine.recording.manifest.processes):
        return []
    return [
        "The target ran before the recording began: of goroutines that were alive then, the "
        "age and the first waits are only known as far as its memory told."
    ]
