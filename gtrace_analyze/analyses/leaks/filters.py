"""Which of the groups found are wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gtrace_analyze._errors import UsageError
from gtrace_analyze._regex import DIALECT, found
from gtrace_analyze.analyses.leaks.model import LeakGroup
from gtrace_analyze.units import duration

__all__ = ["Baseline", "Wanted", "patterns", "read_patterns"]

_Kind = tuple[str | None, str | None, str | None]


class Baseline:
    """What another recording has: how many wait at each place, whatever is thought of them there.

    Places are compared by function, not by line, since the other may be of another build.
    """

    def __init__(self, name: str, groups: Iterable[LeakGroup]) -> None:
        self.name = name
        self._counts: Counter[_Kind] = Counter()
        for group_counts in _by_process(groups).values():
            self._counts |= group_counts  # the largest of its processes

    def new(self, groups: Sequence[LeakGroup]) -> list[LeakGroup]:
        """The groups that are not in the other recording, or more than there; with a sentence.

        Of whole groups, before `Wanted` leaves any goroutines out: the other has all of its own.
        """
        now = _by_process(groups)
        found = []
        for group in groups:
            then, count = self._counts[_kind(group)], now[group.pid][_kind(group)]
            if not then:
                found.append(_saying(group, f"There is none in {self.name}."))
            elif count > then:
                found.append(_saying(group, f"There are {then:,} in {self.name}, {count:,} here."))
        return found


@dataclass(frozen=True)
class Wanted:
    """Groups are wanted if they are not ignored and large enough.

    ``older_ns`` takes the goroutines that wait, or live if they do not wait, for at least that
    long, and counts no others.
    ``ignored`` patterns are searched for in the function a group waits in, in the function that
    made it, and in the place (file:line) of the go statement.
    """

    older_ns: int = 0
    min_count: int = 1
    ignored: tuple[str, ...] = field(default=())

    def of(self, groups: Iterable[LeakGroup]) -> tuple[list[LeakGroup], list[LeakGroup]]:
        """The groups wanted, and those that are ignored by a pattern."""
        wanted: list[LeakGroup] = []
        ignored: list[LeakGroup] = []
        for whole in groups:
            group = self._older(whole)
            if group and group.count >= self.min_count:
                (ignored if self._ignores(group) else wanted).append(group)
        return wanted, ignored

    def _older(self, group: LeakGroup) -> LeakGroup | None:
        kept = [i for i, age in enumerate(group.ages) if age >= self.older_ns]
        if len(kept) == group.count:
            return group
        if not kept:
            return None
        ages = [group.ages[i] for i in kept]
        goids = [group.goids[i] for i in kept]
        older = replace(group, count=len(kept), goids=goids, ages=ages, newest_ns=min(ages))
        sentence = (
            f"Of these {group.count:,}, {len(kept):,} {'wait' if group.parked else 'live'} for "
            f"{duration(self.older_ns)} or longer and are counted here; the sentences above are of "
            "all of them."
        )
        return _saying(older, sentence)

    def _ignores(self, group: LeakGroup) -> bool:
        names = [n for n in (group.function, group.created_by, group.created_at) if n]
        return any(found(pattern, name) for pattern in self.ignored for name in names)


def patterns(texts: Iterable[str], where: str = "pattern") -> tuple[str, ...]:
    """Regular expressions, one a line; blank lines and those that begin with # are none.

    Raises UsageError, naming `where` and the line, at one that is wrong.
    """
    lines = []
    for number, text in enumerate(texts, 1):
        line = text.strip()
        if not line or line.startswith("#"):
            continue
        try:
            found(line, "")
        except ValueError as e:
            raise UsageError(
                f"{where}:{number}: {line!r} is not a regular expression: {e}; {DIALECT}; write a "
                r"name's own dots, stars and brackets as \. \* \( \)"
            ) from None
        lines.append(line)
    return tuple(lines)


def read_patterns(file: Path) -> tuple[str, ...]:
    """The patterns of a file. Raises UsageError if it cannot be read or one is wrong."""
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as e:
        why = e.strerror if isinstance(e, OSError) else "it is not UTF-8 text"
        raise UsageError(f"{file}: cannot be read ({why}); give a file of patterns") from None
    return patterns(text.splitlines(), str(file))


def _kind(group: LeakGroup) -> _Kind:
    return group.function, group.reason, group.created_by


def _by_process(groups: Iterable[LeakGroup]) -> dict[int, Counter[_Kind]]:
    counts: dict[int, Counter[_Kind]] = {}
    for group in groups:
        counts.setdefault(group.pid, Counter())[_kind(group)] += group.count
    return counts


def _saying(group: LeakGroup, sentence: str) -> LeakGroup:
    return replace(group, evidence=[*group.evidence, sentence])
