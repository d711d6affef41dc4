"""Keeps what recording costs the target below a share, by recording in windows.

While probes are on, every hit costs the target a trap into the kernel, whatever the BPF program
does. So under `--max-overhead` they are on for a window, then off until that has been made up for.

What is spent is the share of the target's own processor time that went into probes, plus the share
of the machine's that the recorder took. Both are counted as they come, so a target that makes few
events is recorded all the time, and one whose load rises gets shorter windows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gtrace_rec.probecost import Cost

_SECOND = 1_000_000_000
_WINDOW_OF = 4 * _SECOND  # the allowance of so long a time is spent in one window
_MARGIN = (
    0.7  # of the allowance: cold caches, and putting probes on and off, cost what nobody counts
)
_LEAST_BUSY = 0.01  # processors: a target that does nothing is not slowed down by much either
_BUSY_EVERY = _SECOND // 2  # /proc counts processor time in hundredths of a second
_LOOK_SOON = _SECOND // 100
_LOOK_LATE = _SECOND // 2


@dataclass(frozen=True)
class Usage:
    """Cumulative counts, all of nanoseconds but hits."""

    ts: int
    probes: Cost
    target_cpu: int
    recorder_cpu: int


@dataclass
class Windows:
    """Decides when probes are on.

    `limit` is the share that may be spent, `trap_ns` what a hit costs beside the BPF program.
    """

    limit: float
    trap_ns: float
    processors: int
    on: bool = True
    opened_ts: int = 0
    closed_ts: int = 0
    count: int = 0
    on_ns: int = 0  # of the windows that are closed
    _balance: float = 0.0  # ns of wall time that may be spent; never above 0
    _busy: float | None = None  # processors that the target itself keeps busy
    _last: Usage = Usage(0, Cost(0, 0), 0, 0)
    _since: tuple[int, float] = (0, 0.0)  # time and the target's own work, to learn `_busy` from
    _next_look: int = 0
    _spent: dict[str, float] = field(default_factory=lambda: {"probes": 0.0, "target": 0.0})

    def begin(self, usage: Usage) -> None:
        """The first window opens; what is spent from here on counts, its snapshot too."""
        self._last = usage
        self.opened(usage.ts)

    def due(self, now: int) -> bool:
        """It is time to look at what was spent."""
        return now >= self._next_look

    def look(self, usage: Usage) -> bool:
        """Take note of what was spent; returns whether the probes should be on."""
        last, self._last = self._last, usage
        elapsed = usage.ts - last.ts
        probes = (usage.probes.hits - last.probes.hits) * self.trap_ns
        probes += usage.probes.ns - last.probes.ns
        work = max(usage.target_cpu - last.target_cpu - probes, 0)
        self._learn(elapsed, work)
        self._spent["probes"] += probes
        self._spent["target"] += work
        busy = self._busy or max(self._since[1] / max(self._since[0], 1), _LEAST_BUSY)
        spent = probes / busy
        spent += (usage.recorder_cpu - last.recorder_cpu) / self.processors
        allowed = self.limit * _MARGIN * elapsed
        self._balance = min(self._balance + allowed - spent, 0)
        room = self._balance + self.limit * _MARGIN * _WINDOW_OF
        if self.on:
            # At this rate it is used up after `left`; half of that later is soon enough to look.
            rate = max(spent - allowed, 0) / max(elapsed, 1)
            left = room / rate if rate else _LOOK_LATE
            self._next_look = usage.ts + int(min(max(left / 2, _LOOK_SOON), _LOOK_LATE))
            return room > 0
        # Made up for after so long, if the recorder takes no more than now.
        rate = max((allowed - spent) / max(elapsed, 1), 0)
        left = -self._balance / rate if rate else _LOOK_LATE
        self._next_look = usage.ts + int(min(max(left, _LOOK_SOON), _LOOK_LATE))
        return self._balance >= 0

    def learn(self, elapsed: int, work: int) -> None:
        """So much the target worked before there were any probes."""
        if elapsed:
            self._busy = max(work / elapsed, _LEAST_BUSY)

    def _learn(self, elapsed: int, work: float) -> None:
        span, done = self._since[0] + elapsed, self._since[1] + work
        self._since = (span, done)
        if span >= _BUSY_EVERY:
            busy = max(done / span, _LEAST_BUSY)
            self._busy = busy if self._busy is None else (self._busy + busy) / 2
            self._since = (0, 0.0)

    def opened(self, now: int) -> None:
        """Probes are on from `now`."""
        self.on, self.opened_ts = True, now
        self.count += 1

    def closed(self, now: int) -> None:
        """Nothing after `now` is recorded."""
        self.on, self.closed_ts = False, now
        self.on_ns += now - self.opened_ts

    def seen_ns(self, now: int) -> int:
        """How long probes have been on."""
        return self.on_ns + (now - self.opened_ts if self.on and self.count else 0)

    def describe(self, now: int, elapsed: int) -> list[str]:
        """What came of it until `now`, in a sentence."""
        cost = self._spent["probes"] / max(self._spent["target"], 1)
        return [
            f"recorded in {self.count} windows, {self.seen_ns(now) / 1e9:.1f} s of "
            f"{elapsed / 1e9:.1f} s in all: the probes cost the target about {cost:.1%} of its "
            f"processor time, of {self.limit:.1%} allowed"
        ]
