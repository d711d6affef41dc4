"""What tests/programs/lives.go does, and what a recording of it must hold, event for event."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from live.recording import Recording

Counts = dict[tuple[object, ...], int]


@dataclass(frozen=True)
class Life:
    """What the goroutines of one kind do: on what they park, and who wakes them."""

    count: int
    reason: str | None
    waker: str | None  # "main", "peer", "timer" (nobody), or None: never woken
    ends: bool = True


LIVES = {
    "receiver": Life(97, "chan receive", "main"),
    "sender": Life(61, "chan send", "main"),
    "locker": Life(43, "sync.Mutex.Lock", "peer"),
    "selector": Life(29, "select", "main"),
    "waiter": Life(23, "sync.WaitGroup.Wait", "main"),
    "sleeper": Life(11, "sleep", "timer"),
    "passer": Life(7, None, None),
    "stuck": Life(5, "chan receive", None, ends=False),
}
ARGUMENTS = [
    f"{n}={life.count}" if n == "stuck" else f"{n}s={life.count}" for n, life in LIVES.items()
]
NAMES = ", ".join(f"'main.{name}'" for name in LIVES)

# What is counted of each kind of event, besides the function that the goroutine began with.
_DETAIL = {
    "create": "e.other_goid",
    "park": "e.reason",
    "ready": "case when e.other_goid is null then 'timer' when e.other_goid = 1 then 'main' "
    "else (select p.name from spawned p where p.goid = e.other_goid) end",
    "exit": "true",
}
KINDS = tuple(_DETAIL)


def counted(recording: Recording, kind: str) -> Counts:
    """How many events of a kind each sort of goroutine has, by start function and detail."""
    rows = recording.sql(
        f"select s.name, {_DETAIL[kind]}, count(*) from events e join spawned s using (goid) "
        f"where e.kind = '{kind}' and s.name in ({NAMES}) group by all"
    )
    return {tuple(row[:-1]): row[-1] for row in rows}


def expected(kind: str, wait_reasons: Collection[str]) -> Counts:
    """What `counted` must yield, in the words of a Go that has these wait reasons."""
    found: Counts = {}
    for name, life in LIVES.items():
        function = f"main.{name}"
        if kind == "create":
            found[function, 1] = life.count
        elif kind == "park" and life.reason:
            known = life.reason in wait_reasons  # older ones call all of package sync so
            found[function, life.reason if known else "semacquire"] = life.count
        elif kind == "ready" and life.waker == "peer":  # main opens, then each passes it on
            found |= {(function, "main"): 1, (function, function): life.count - 1}
        elif kind == "ready" and life.waker:
            found[function, life.waker] = life.count
        elif kind == "exit" and life.ends:
            found[function, True] = life.count
    return found
