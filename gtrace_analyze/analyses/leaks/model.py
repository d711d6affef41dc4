"""What the detectors look at, and what comes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

__all__ = ["Finding", "Group", "LeakGroup", "Scene", "Trend", "UnparkedGroup", "WaitGroup", "doing"]


_Kind = tuple[int, int | None, str | None, str | None]
_Statement = tuple[int, str | None]


@dataclass(frozen=True)
class Group:
    """What there is of each group of goroutines; the columns of both views are explained there."""

    pid: int
    site: int | None
    created_at: str | None
    created_by: str | None
    start_function: str | None
    count: int
    goids: list[int]
    ages: list[int]
    stack_id: int | None
    oldest_ns: int
    newest_ns: int
    at_start: int
    function: str | None
    file: str | None
    line: int | None
    frames: list[dict[str, Any]] | None


@dataclass(frozen=True)
class WaitGroup(Group):
    """One row of the view `wait_groups`."""

    reason: str | None
    unreachable: int
    reachable: int
    system: bool
    oldest_ts: int
    uncertain: int
    returned: int
    objects: int
    obj: int | None
    passed_over: int
    passed_over_ns: int | None
    joins: list[int] | None
    certain_joins: list[int] | None
    attending: int
    ended: int
    ended_longest_ns: int | None
    last_end_ts: int | None
    loops: int


@dataclass(frozen=True)
class UnparkedGroup(Group):
    """One row of the view `unparked_groups`."""

    doing: str | None


@dataclass(frozen=True)
class Trend:
    """One row of the view `creation_trends`; the columns are explained there."""

    pid: int
    created_at: str | None
    created_by: str | None
    created: int
    ended: int
    growth_per_s: float
    rises: float


@dataclass(frozen=True)
class Scene:
    """What surrounds a group: the time looked at, ns, all groups, and trends by go statement."""

    start: int
    end: int
    groups: tuple[WaitGroup, ...]
    unparked_groups: tuple[UnparkedGroup, ...]
    several_processes: bool
    trends: Mapping[_Statement, Trend]
    snapshots: int  # how many there are, if nothing else tells of waits; else 0
    sees_syscalls: bool  # if not, time in system calls counts as running

    @cached_property
    def _by_kind(self) -> Mapping[_Kind, list[WaitGroup]]:
        kinds: dict[_Kind, list[WaitGroup]] = {}
        for group in self.groups:
            kinds.setdefault(_kind(group), []).append(group)
        return kinds

    def siblings(self, group: WaitGroup) -> list[WaitGroup]:
        """All groups at the same place, for the same reason, of the same go statement."""
        return self._by_kind[_kind(group)]

    @cached_property
    def parked(self) -> Counter[_Statement]:
        """How many goroutines of each go statement wait."""
        return _counts(self.groups)

    @cached_property
    def unparked(self) -> Counter[_Statement]:
        """How many are alive, and not known to."""
        return _counts(self.unparked_groups)

    @property
    def seconds(self) -> float:
        return max(self.end - self.start, 1) / 1e9


def doing(reason: str | None, parked: bool) -> str:
    """What goroutines of a LeakGroup do, in words."""
    if reason == "running":
        return "running"
    return f"in {reason or ('a wait' if parked else 'a state that is not known')}"


def _counts(groups: Iterable[Group]) -> Counter[_Statement]:
    counts: Counter[_Statement] = Counter()
    for group in groups:
        counts[group.pid, group.created_at] += group.count
    return counts


def _kind(group: WaitGroup) -> _Kind:
    return group.pid, group.site, group.reason, group.created_at


@dataclass(frozen=True)
class Finding:
    """What one detector found: a verdict and the sentence that says why."""

    verdict: str  # "leak", "suspect" or "idle"
    sentence: str
    proof: bool = False  # an excuse does not outweigh it


@dataclass(frozen=True)
class LeakGroup:
    """Goroutines that wait at the same place for the same reason, made by the same go statement.

    ``oldest_ns`` and ``newest_ns`` are how long the first and the last of them have been waiting;
    ``growth_per_s`` is by how many all that wait there became more, per second of the recording.
    ``stack`` is the stack of the oldest, innermost frame first, each with function, file and line.

    Those that are not ``parked`` do not wait: ``reason`` is "syscall", "running" or None,
    ``oldest_ns`` and ``newest_ns`` are how long they were seen to live, and without a stack
    ``function`` is their start function.
    """

    function: str | None
    file: str | None
    line: int | None
    created_by: str | None
    created_at: str | None
    reason: str | None
    count: int
    goids: list[int]
    oldest_ns: int
    newest_ns: int
    growth_per_s: float
    verdict: str
    evidence: list[str]
    stack: list[dict[str, Any]]
    pid: int
    several_processes: bool = field(default=False, repr=False)
    ages: list[int] = field(default_factory=list, repr=False)  # of each of goids, ns
    parked: bool = True

    @classmethod
    def of(
        cls, group: WaitGroup | UnparkedGroup, scene: Scene, verdict: str, evidence: list[str]
    ) -> LeakGroup:
        parked = isinstance(group, WaitGroup)
        # Go prints a state where there is no wait reason, in the same place.
        reason = group.reason if isinstance(group, WaitGroup) else group.doing
        return cls(
            function=group.function if parked or group.frames else group.start_function,
            file=group.file,
            line=group.line,
            created_by=group.created_by,
            created_at=group.created_at,
            reason=reason,
            count=group.count,
            goids=group.goids,
            oldest_ns=group.oldest_ns,
            newest_ns=group.newest_ns,
            growth_per_s=round((group.count - group.at_start) / scene.seconds, 3),
            verdict=verdict,
            evidence=evidence,
            stack=group.frames or [],
            pid=group.pid,
            several_processes=scene.several_processes,
            ages=group.ages,
            parked=parked,
        )

    @classmethod
    def columns(cls) -> list[str]:
        """Its fields, as the columns of a table."""
        return [f.name for f in fields(cls) if f.repr]

    def to_dict(self) -> dict[str, Any]:
        """As `leaks --json` prints it; `pid` is there if the recording has several processes."""
        values = dict(vars(self))
        del values["ages"]
        if not values.pop("several_processes"):
            del values["pid"]
        return values
