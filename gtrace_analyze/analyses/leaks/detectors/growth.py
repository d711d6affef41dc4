"""Groups that become larger throughout the recording and give nobody back."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise

from gtrace_analyze.analyses.leaks.detectors._doubt import uncertainty
from gtrace_analyze.analyses.leaks.model import Finding, Scene, WaitGroup
from gtrace_analyze.units import counted, duration

__all__ = ["detect"]

_TENTHS = 10
# How many came, and in how many tenths of the time: a burst (a pool that is filled, a server that
# gets its first clients) stays within few of them; what leaks with the load does not.
_SUSPECT = (5, 4)
_LEAK = (10, 5)


def detect(group: WaitGroup, scene: Scene) -> Finding | None:
    """A leak, if goroutines kept coming to stand here, and none at this place is woken to return.

    A suspect only, if they are few, if some do return, as the workers of a pool do which grows on
    demand, if it rests on goroutines that may have been woken unseen, or if each belongs to one
    that waits for the network, as those that write to a client do, or to a stream of HTTP/2.
    """
    joins, certain = group.joins or [], group.certain_joins or []
    tenths = _tenths(joins, scene)
    if len(joins) < _SUSPECT[0] or tenths < _SUSPECT[1]:
        return None
    returning = group.returned + group.loops
    steady = tenths if certain == joins else _tenths(sorted(certain), scene)
    clients = group.attending * 10 >= len(joins) * 9
    sure = len(certain) >= _LEAK[0] and steady >= _LEAK[1] and not (returning or clients)
    woken = (
        f"{counted(group.ended, 'other wait', 'other waits')} here ended, "
        f"{'' if group.ended == 1 else 'the longest '}after {duration(group.ended_longest_ns)}"
        if group.ended
        else "none was ever woken"
    )
    sentences = [
        f"{group.count:,} wait here; {len(joins):,} of them came within "
        f"{duration(scene.end - scene.start)}, in {tenths} of {_TENTHS} tenths "
        f"of that time, {group.at_start:,} before.",
        f"The oldest waits for {duration(group.oldest_ns)}; {woken}.",
    ]
    if returning:
        came_back = counted(returning, "was woken here", "were woken here")
        sentences.append(f"{came_back} and came back, as workers of a pool do.")
    if clients:
        sentences.append(
            f"{group.attending:,} belong to a goroutine each that waits for the network, or to a "
            "stream of HTTP/2: they may be as many as there are clients."
        )
    if group.uncertain:
        sentences.append(uncertainty(group, scene))
    return Finding("leak" if sure else "suspect", " ".join(sentences))


def _tenths(joins: list[int], scene: Scene) -> int:
    """In how many tenths of the time looked at somebody came, given when they did, in order."""
    length = scene.end - scene.start
    # Rounded up, to the first nanosecond of each.
    inner = (scene.start - (-n * length // _TENTHS) for n in range(1, _TENTHS))
    places = [0, *(bisect_left(joins, edge) for edge in inner), len(joins)]
    return sum(first < last for first, last in pairwise(places))
