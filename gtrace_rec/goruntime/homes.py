"""Where a parked goroutine keeps what it waits for.

It is the first argument of a function near gopark. Go passes arguments in registers, but reserves a
home slot for each in the caller's frame and stores the register there if the function needs the
argument again after a call (cmd/compile/abi-internal.md). Whether it does is seen in its code.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from gtrace_rec.goruntime.binary import GoBinary
from gtrace_rec.goruntime.pclntab import Function


@dataclass(frozen=True)
class Waiter:
    """A function whose first argument is what its goroutine is parked for.

    `calls` is the function by which it gets to gopark, `frames` how many calls away that is: 1 if
    it calls gopark itself; `reasons` are the beginnings of its wait reasons, which are no other
    function's.
    """

    name: str
    calls: str
    frames: int
    reasons: tuple[str, ...]
    meaning: str


WAITERS = (
    Waiter(
        "runtime.semacquire1",
        "runtime.gopark",
        frames=1,
        reasons=("semacquire", "sync.Mutex", "sync.RWMutex", "sync.WaitGroup"),
        meaning="a semaphore: that of a mutex or a wait group",
    ),
    Waiter(
        "sync.runtime_notifyListWait",
        "runtime.gopark",
        frames=1,
        reasons=("sync.Cond",),
        meaning="the list of a sync.Cond",
    ),
    Waiter(
        "internal/poll.runtime_pollWait",
        "runtime.netpollblock",  # which, between it and gopark, does not keep its argument
        frames=2,
        reasons=("IO wait",),
        meaning="a poll descriptor",
    ),
)


@lru_cache(maxsize=8)  # asked for every process of the binary, and it takes 75 ms to see
def kept_waiters(binary: GoBinary) -> tuple[tuple[Waiter, Function], ...]:
    """Those of WAITERS that this binary has, and that keep their argument while they wait."""
    found = []
    for waiter in WAITERS:
        function = binary.functions.named(waiter.name)
        callee = binary.functions.named(waiter.calls)
        if function and callee:
            calls = binary.call_sites(function, callee)
            if calls and binary.first_arg_home(function, callee) == calls:
                found.append((waiter, function))
    return tuple(found)


# Their two calls of gopark: for ever on a nil channel, for a reason of its own; and on the channel
# that is their first argument, which can also be found through g.waiting.
_CHANNEL_WAITERS = {"runtime.chanrecv": "chan receive", "runtime.chansend": "chan send"}


def kept_channels(binary: GoBinary) -> list[str]:
    """Wait reasons whose function keeps the channel, in its home slot, one call from gopark."""
    gopark = binary.functions.named("runtime.gopark")
    reasons = []
    for name, reason in _CHANNEL_WAITERS.items():
        function = binary.functions.named(name)
        if function and gopark:
            calls = binary.call_sites(function, gopark)
            if len(calls) == 2 and binary.first_arg_home(function, gopark)[-1:] == calls[-1:]:
                reasons.append(reason)
    return reasons
