"""Goroutines that do not wait and only become more: in system calls, at work, or nobody knows.

Threads are made for system calls and for calls of C, one for each; what computes without end takes
the processors from the others. That none of them waits makes them no less of a leak.
"""

from __future__ import annotations

from gtrace_analyze.analyses.leaks.detectors import trend
from gtrace_analyze.analyses.leaks.model import Finding, Scene, UnparkedGroup
from gtrace_analyze.units import counted

__all__ = ["detect"]


def detect(group: UnparkedGroup, scene: Scene) -> Finding | None:
    """A suspect: the load may have grown all the time, too.

    Nothing, if one in ten of the go statement's goroutines waits: then they come and go between
    waits, where others look at them. Nor of those few that do something else than the rest.
    """
    rising = trend.rising(group.pid, group.created_at, scene)
    statement = (group.pid, group.created_at)
    parked, unparked = scene.parked[statement], scene.unparked[statement]
    if rising is None or parked * 10 > unparked or group.count * 10 < unparked:
        return None
    return Finding("suspect", f"{trend.sentence(rising)} {_doing(group, scene)}")


def _doing(group: UnparkedGroup, scene: Scene) -> str:
    count = group.count
    if group.doing == "syscall":
        return f"{counted(count, 'is in a system call', 'are in system calls')}."
    if group.doing == "running":
        doing = counted(count, "runs or waits for a thread", "run or wait for a thread")
        calls = "it is in a system call" if count == 1 else "they are in system calls"
        return (
            f"{doing}{'' if scene.sees_syscalls else f', unless {calls}, which count as running'}."
        )
    return f"What {count:,} of them {'does' if count == 1 else 'do'} is not known: no event tells."
