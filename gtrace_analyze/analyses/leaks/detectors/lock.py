"""Locks that are handed to nobody any more."""

from __future__ import annotations

from gtrace_analyze.analyses.leaks.model import Finding, Scene, WaitGroup
from gtrace_analyze.units import counted, duration, short_function

__all__ = ["detect"]

_LOCKS = ("sync.Mutex.Lock", "sync.RWMutex.Lock", "sync.RWMutex.RLock")
# Go hands a mutex to its first waiter after 1 ms at the latest (starvation mode), so a longer wait
# is one critical section's own length. Seconds of it are strange, many seconds are a standstill.
_STRANGE_NS = 1_000_000_000
_STANDSTILL_NS = 5_000_000_000
# A holder in one of these waits will go on by itself.
_PASSING = ("IO wait", "sleep")


def detect(group: WaitGroup, scene: Scene) -> Finding | None:
    """A leak or suspect, if nobody got the lock since some of those that wait began to.

    It is a leak if the holder is seen to stand still as well, for as long.
    """
    count, longest = group.passed_over, group.passed_over_ns or 0
    if not group.objects:  # which lock it is, is not known
        came_by = group.last_end_ts is not None and group.last_end_ts > group.oldest_ts
        count, longest = (0, 0) if came_by else (group.count, group.oldest_ns)
    if group.reason not in _LOCKS or not count or longest < _STRANGE_NS:
        return None
    stuck, holder = _holder(group, scene)
    standstill = longest >= _STANDSTILL_NS and group.uncertain == 0
    others = sum(g.count for g in scene.groups if _waits_elsewhere(g, group))
    more = f" {counted(others, 'more waits', 'more wait')} for it elsewhere." if others else ""
    what = "a lock" if group.objects <= 1 else f"one of {group.objects:,} locks"
    waiting = counted(count, "waits", "wait")
    return Finding(
        "leak" if standstill and stuck else "suspect",
        f"{waiting} for {what} that nobody here got in the last {duration(longest)}.{more}{holder}",
    )


def _holder(group: WaitGroup, scene: Scene) -> tuple[bool, str]:
    """Whether the holder stands still too, and a sentence on it, as far as stacks can tell."""
    taker = group.function
    frames = [frame["function"] for frame in group.frames or []]
    if taker is None:
        return False, ""
    first = group.goids[0]
    if frames.count(taker) > 1:
        return True, (
            f" Goroutine {first}, the first to wait, is inside {short_function(taker)} "
            f"{frames.count(taker)} times: it seems to wait for a lock that it holds itself."
        )
    for other in scene.groups:
        inside = [frame["function"] for frame in other.frames or []]
        elsewhere = other.pid == group.pid and other.site != group.site
        if elsewhere and taker in inside and not _waits_likewise(other, group):
            stuck = other.reason not in _PASSING and other.oldest_ns >= group.oldest_ns
            return stuck, (
                f" Goroutine {other.goids[0]} is in {short_function(taker)} too, in "
                f'"{other.reason}" for {duration(other.oldest_ns)}: it seems to hold the lock.'
            )
    return False, ""


def _waits_likewise(other: WaitGroup, group: WaitGroup) -> bool:
    """It waits for the same lock, so that it does not hold it."""
    if other.reason not in _LOCKS:
        return False
    if other.obj and group.obj:
        return other.obj == group.obj
    return (other.function, other.line) == (group.function, group.line)


def _waits_elsewhere(other: WaitGroup, group: WaitGroup) -> bool:
    """It surely waits for the same lock, in another group."""
    same = other.pid == group.pid and other.obj == group.obj and other.reason in _LOCKS
    return group.obj is not None and same and other is not group
