"""Groups of goroutines that will not come back, with the evidence.

Every group of waiting goroutines (`wait_groups`) is shown to the detectors. Each looks for one
thing and may come back with a finding: a verdict and a sentence that says why, with numbers. An
excuse ("idle") outweighs every accusation short of proof, else the gravest verdict stands. Groups
of those that do not wait (`unparked_groups`) are told of only if they are accused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gtrace_analyze.analyses import cpu
from gtrace_analyze.analyses.leaks import detectors
from gtrace_analyze.analyses.leaks.detectors import old, unparked
from gtrace_analyze.analyses.leaks.filters import Baseline, Wanted, patterns, read_patterns
from gtrace_analyze.analyses.leaks.model import (
    Finding,
    Group,
    LeakGroup,
    Scene,
    Trend,
    UnparkedGroup,
    WaitGroup,
    doing,
)
from gtrace_analyze.engine import Engine
from gtrace_analyze.selection import ALL, Selection

__all__ = ["Baseline", "LeakGroup", "Wanted", "collect", "doing", "patterns", "read_patterns"]

_GRAVITY = {"leak": 2, "suspect": 1, "idle": 0}


def collect(
    engine: Engine, selection: Selection = ALL, include_idle: bool = False
) -> list[LeakGroup]:
    """The groups, gravest and largest first; those of verdict "idle" only if asked for.

    With a time selection, the groups at its end, judged by what happened within it.
    """
    groups, scene = _look(engine, selection)
    judged = [_judge(group, scene) for group in groups if not group.system]
    judged = [group for group in judged if include_idle or group.verdict != "idle"]
    for moving in scene.unparked_groups:
        if _wanted(moving, selection) and (finding := unparked.detect(moving, scene)):
            judged.append(LeakGroup.of(moving, scene, finding.verdict, [finding.sentence]))
    return sorted(
        judged, key=lambda g: (-_GRAVITY[g.verdict], -g.count, g.function or "", g.line or 0)
    )


def _look(engine: Engine, selection: Selection) -> tuple[Sequence[WaitGroup], Scene]:
    scene = _scene(engine, selection) if selection.has_time else engine.once(_scene)
    return [group for group in scene.groups if _wanted(group, selection)], scene


def _scene(engine: Engine, selection: Selection = ALL) -> Scene:
    start, end = selection.span(engine)
    between, parameters = selection.between(engine)
    # By way of Arrow, which is quicker where there are long lists.
    rows = engine.table(f"FROM wait_groups{between}", parameters).to_pylist()
    # The longest waiting first, since a detector that looks for another group takes the first.
    rows.sort(key=_order)
    trends = [Trend(**row) for row in engine.rows(f"FROM creation_trends{between}", parameters)]
    processes = {process.pid for process in engine.recording.manifest.processes}
    by_statement = {(trend.pid, trend.created_at): trend for trend in trends}
    moving = engine.table(f"FROM unparked_groups{between}", parameters).to_pylist()
    return Scene(
        start,
        end,
        tuple(WaitGroup(**row) for row in rows),
        tuple(UnparkedGroup(**row) for row in moving),
        len(processes) > 1,
        by_statement,
        _snapshots(engine),
        cpu.sees_syscalls(engine),
    )


def _order(row: dict[str, Any]) -> tuple[Any, ...]:
    names = (row["site"], row["reason"], row["created_at"])
    return row["oldest_ts"], row["goids"], row["pid"], *((n is None, n) for n in names)


def _snapshots(engine: Engine) -> int:
    """How many snapshots there are, if nothing else tells of waits; else 0."""
    if "park" in engine.recording.watched:
        return 0
    (row,) = engine.rows("SELECT count(DISTINCT snapshot) AS n FROM stg_goroutines")
    return int(row["n"])


def _wanted(group: Group, selection: Selection) -> bool:
    if selection.goids and selection.goids.isdisjoint(group.goids):
        return False
    if not selection.function:
        return True
    frames = [frame["function"] for frame in group.frames or ()]
    names = [group.created_by, group.start_function, *frames]
    return any(selection.matches(name) for name in names)


def _judge(group: WaitGroup, scene: Scene) -> LeakGroup:
    findings: list[Finding] = []
    for detect in detectors.ALL:
        if finding := detect(group, scene):
            findings.append(finding)
    verdict = max((f.verdict for f in findings), key=lambda v: _GRAVITY[v], default="idle")
    excuses = [f for f in findings if f.verdict == "idle"]
    if any(f.proof for f in findings):
        findings = [f for f in findings if f not in excuses]
    elif excuses:
        verdict, findings = "idle", excuses
    if not findings:
        findings = [old.describe(group)]
    return LeakGroup.of(group, scene, verdict, [f.sentence for f in findings])
