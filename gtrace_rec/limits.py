"""Keeps the recorder within the memory and processor time it may use, by recording less.

Once a second it looks at what was used. If that was too much for some seconds in a row, the next
thing in `drop_first` is no longer recorded, until the end:

* `stacks`: events without their stacks;
* `run`: no running, yielding or system calls, only parking and waking; all that is recorded from
  then on is uncertain to that degree, and marked;
* `events`: no more events a second than the recorder can afford; the rest of the second is a gap.

Where memory is still short when nothing is left to drop, the recording stops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gtrace_rec.plan import KIND_CODES
from gtrace_rec.settings import DROPPABLE

_RUN_KINDS = ("run", "yield", "syscall_enter", "syscall_exit", "syscall_lost_p")
_PATIENCE = 3  # seconds in a row
_LEAST_EVENTS = 100  # a second: what the recorder can always afford


@dataclass(frozen=True)
class Control:
    """What the BPF program is to leave out."""

    events_per_second: int = 0  # 0: any number
    dropped_kinds: int = 0  # bit mask of kinds' codes
    no_stacks: bool = False


@dataclass
class Governor:
    """Decides what to leave out. `cpu` is a share of one processor, `memory` bytes."""

    cpu: float | None = None
    memory: int | None = None
    drop_first: Sequence[str] = DROPPABLE
    max_events: int = 0
    control: Control = field(init=False)

    def __post_init__(self) -> None:
        self.control = Control(events_per_second=self.max_events)
        self.must_stop = False
        self._left = list(self.drop_first)
        self._over = 0
        self._adapting = False

    @property
    def limited(self) -> bool:
        """There is anything to keep to."""
        return bool(self.cpu or self.memory or self.max_events)

    def look(self, cpu: float, rss: int, events_per_second: float) -> str | None:
        """What was used in the last second; returns a sentence if something changed for it."""
        over_cpu = self.cpu is not None and cpu > self.cpu
        over_memory = self.memory is not None and rss > self.memory
        if self._adapting and self.cpu:
            self._adapt(cpu, events_per_second)
        self._over = self._over + 1 if over_cpu or over_memory else 0
        if self._over < _PATIENCE:
            return None
        self._over = 0
        why = (
            f"memory {rss >> 20} MB of {(self.memory or 0) >> 20} MB allowed"
            if over_memory
            else f"processor {cpu:.0%} of {self.cpu:.0%} allowed"
        )
        if self._left:
            return self._drop(self._left.pop(0), why, events_per_second)
        if over_memory and not self.must_stop:
            self.must_stop = True
            return f"{why}, and nothing is left to drop: stopping"
        return None

    def _drop(self, what: str, why: str, events_per_second: float) -> str:
        c = self.control
        if what == "stacks":
            self.control = Control(c.events_per_second, c.dropped_kinds, True)
            return f"{why}: no stacks are taken from here on"
        if what == "run":
            kinds = sum(1 << KIND_CODES[kind] for kind in _RUN_KINDS)
            self.control = Control(c.events_per_second, kinds, c.no_stacks)
            return f"{why}: running, yields and system calls are not recorded from here on"
        self._adapting = self.cpu is not None
        self._allow(events_per_second / 2)
        return f"{why}: only as many events a second are recorded as that affords, from here on"

    def _adapt(self, cpu: float, events_per_second: float) -> None:
        """Towards nine tenths of the limit; what costs without events cannot be saved."""
        assert self.cpu
        room = 0.9 * self.cpu / max(cpu, 0.01)
        if room < 1:
            self._allow(events_per_second * room)
        else:
            self._allow(self.control.events_per_second * min(room, 1.25))

    def _allow(self, events_per_second: float) -> None:
        most = self.max_events or 1 << 40
        allowed = int(min(max(events_per_second, _LEAST_EVENTS), most))
        self.control = Control(allowed, self.control.dropped_kinds, self.control.no_stacks)
