"""Goroutines that hold each other up for ever: cycles of waits, and locks that nobody gives back.

Every wait of `waits_for` leads to those who may end it. What comes round to itself is a cycle. A
lock whose holder itself waits for ever, or that nobody is left to give back, holds up all who wait
for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gtrace_analyze.engine import Engine
from gtrace_analyze.selection import ALL, Selection
from gtrace_analyze.units import duration, short_function

__all__ = ["Deadlock", "Member", "collect", "unsearched"]

# Not proven by a search of memory, a lock that nobody got for so long.
_STANDSTILL_NS = 5_000_000_000

_Node = tuple[int, int]  # pid and goid
_Graph = Mapping[_Node, set[_Node]]


@dataclass(frozen=True)
class Member:
    """One goroutine of a deadlock and its wait; `obj` is the address of what it waits on."""

    goid: int
    reason: str | None
    function: str | None
    file: str | None
    line: int | None
    waits_ns: int
    obj: int | None
    frames: list[dict[str, Any]]


@dataclass(frozen=True)
class Deadlock:
    """Goroutines that will never go on, and why.

    ``kind`` is "cycle" (each of `members` waits for what the next seems to hold, the last for the
    first), "stuck holder" (the one member holds a lock and waits for ever) or "no holder" (nobody
    is left to give the lock back which the members wait for). ``verdict`` is "deadlock" where a
    search of memory proves it, else "suspect". ``behind`` are the goroutines that wait for them.
    """

    pid: int
    kind: str
    verdict: str
    members: list[Member]
    behind: list[int]
    evidence: list[str]


# Once a stack: thousands may wait at one.
_STACKS = """
    SELECT stack_id, function, file, line, frames
    FROM stacks WHERE list_contains($stack_ids, stack_id)
"""
_NO_STACK = {"function": None, "file": None, "line": None, "frames": None}


def collect(engine: Engine, selection: Selection = ALL) -> list[Deadlock]:
    """The deadlocks at the end of the recording, or of the time selected; largest first."""
    source, parameters = _source(engine, selection)
    rows = engine.rows(
        "SELECT pid, goid, reason, age, proven, certain, stack_id, obj, searched, holder_goid "
        f"FROM {source} ORDER BY pid, age DESC, goid",
        parameters,
    )
    numbers = {row["stack_id"] for row in rows} - {None}
    stacks = {
        stack["stack_id"]: stack for stack in engine.rows(_STACKS, {"stack_ids": sorted(numbers)})
    }
    for row in rows:
        row |= stacks.get(row["stack_id"], _NO_STACK)
    found = [deadlock for deadlock in _Scene(rows).deadlocks() if _selected(deadlock, selection)]
    return sorted(found, key=lambda d: (d.verdict, -len(d.members) - len(d.behind), d.pid))


def unsearched(engine: Engine, selection: Selection = ALL) -> int:
    """How many stand at a lock without a snapshot that shows whose stack points at it."""
    source, parameters = _source(engine, selection)
    rows = engine.rows(
        f"SELECT reason, age, certain FROM {source} GROUP BY pid, goid, reason, age, certain "
        "HAVING NOT bool_or(searched)",
        parameters,
    )
    return sum(map(_stands, rows))


def _source(engine: Engine, selection: Selection) -> tuple[str, dict[str, object]]:
    """What to ask for the waits at the end, or at that of the time selected."""
    if not selection.has_time:
        return "waits_for", {}
    return "waits_for_at($end)", {"end": selection.span(engine)[1]}


def _selected(deadlock: Deadlock, selection: Selection) -> bool:
    goids = {member.goid for member in deadlock.members} | set(deadlock.behind)
    if selection.goids and not selection.goids & goids:
        return False
    names = [frame["function"] for member in deadlock.members for frame in member.frames]
    return not selection.function or any(map(selection.matches, names))


class _Scene:
    """The waits of one moment, as a graph from who waits to who may end that wait."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows: dict[_Node, dict[str, Any]] = {}
        self._holders: dict[_Node, set[_Node]] = defaultdict(set)
        for row in rows:
            node = (row["pid"], row["goid"])
            self._rows.setdefault(node, row)
            if row["holder_goid"] is not None:
                self._holders[node].add((row["pid"], row["holder_goid"]))
        stuck = {node for node, row in self._rows.items() if row["proven"] or _stands(row)}
        self._graph = {node: self._holders[node] & stuck for node in self._rows if node in stuck}
        self._waiters: dict[_Node, set[_Node]] = defaultdict(set)
        for node, holders in self._graph.items():
            for holder in holders:
                self._waiters[holder].add(node)

    def deadlocks(self) -> Iterable[Deadlock]:
        seen: set[_Node] = set()
        for node in self._graph:
            if node not in seen and (cycle := _cycle_through(self._graph, node)):
                around = _reached(self._graph, node) & _reached(self._waiters, node)
                seen |= around
                yield self._deadlock("cycle", cycle, around)
        by_lock: dict[tuple[int, int | None], list[_Node]] = defaultdict(list)
        for node, holders in self._graph.items():
            row = self._rows[node]
            if holders or node in seen:
                continue
            if not row["proven"]:
                if _is_lock(row) and _is_inside_twice(row):
                    by_lock[node[0], row["obj"] or -node[1]].append(node)
                continue
            if not _is_lock(row):
                if any(_is_lock(self._rows[waiter]) for waiter in self._waiters[node]):
                    yield self._deadlock("stuck holder", [node], {node})
            elif row["searched"] and not self._holders[node]:
                by_lock[node[0], row["obj"]].append(node)
        for (pid, obj), nodes in by_lock.items():
            waiters = {n for n, r in self._rows.items() if n[0] == pid and r["obj"] == obj}
            yield self._deadlock("no holder", nodes, waiters)

    def _deadlock(self, kind: str, nodes: list[_Node], around: set[_Node]) -> Deadlock:
        behind: set[_Node] = set()
        for node in nodes:
            behind |= _reached(self._waiters, node)
        proven = all(self._rows[node]["proven"] for node in nodes)
        return Deadlock(
            pid=nodes[0][0],
            kind=kind,
            verdict="deadlock" if proven else "suspect",
            members=[_member(self._rows[node]) for node in nodes],
            behind=sorted(goid for _, goid in (behind | around) - set(nodes)),
            evidence=[*self._why(kind, nodes), self._how_sure(nodes, proven)],
        )

    def _why(self, kind: str, nodes: list[_Node]) -> Iterable[str]:
        first = self._rows[nodes[0]]
        if kind == "cycle":
            for (_, goid), (_, holder) in zip(nodes, nodes[1:] + nodes[:1], strict=True):
                yield f"Goroutine {goid} waits for what the stack of goroutine {holder} points at."
        elif kind == "stuck holder":
            locks = [n for n in self._waiters[nodes[0]] if _is_lock(self._rows[n])]
            yield (
                f"Its stack points at the lock for which {len(locks):,} wait, and it is in "
                f'"{first["reason"]}" itself.'
            )
        elif _is_inside_twice(first):
            yield (
                f"Goroutine {nodes[0][1]} is inside {short_function(first['function'])} more than "
                f"once: it {'waits' if first['proven'] else 'seems to wait'} for a lock that it "
                "holds itself."
            )
        else:
            yield (
                "No stack but those of the goroutines that wait for the lock points at it: whoever "
                "took it is gone, or is one of them."
            )

    def _how_sure(self, nodes: list[_Node], proven: bool) -> str:
        if proven:
            return (
                "By a search of the memory, no global variable and no goroutine that can still run "
                "refers to what they wait on."
            )
        others = {h for node in nodes for h in self._holders[node]} - set(nodes)
        least = min(self._rows[node]["age"] for node in nodes)
        who = "None of them" if len(nodes) > 1 else "It has not"
        sentence = f"{who} got on in the last {duration(least)}."
        if others:
            goids = ", ".join(str(goid) for _, goid in sorted(others)[:5])
            sentence += f" The stacks of {len(others):,} others point at it, too: {goids}."
        return sentence


def _is_lock(row: Mapping[str, Any]) -> bool:
    return (row["reason"] or "").startswith(("sync.Mutex", "sync.RWMutex"))


def _stands(row: Mapping[str, Any]) -> bool:
    return _is_lock(row) and row["age"] >= _STANDSTILL_NS and bool(row["certain"])


def _is_inside_twice(row: Mapping[str, Any]) -> bool:
    return [f["function"] for f in row["frames"] or []].count(row["function"]) > 1


def _member(row: Mapping[str, Any]) -> Member:
    return Member(
        goid=row["goid"],
        reason=row["reason"],
        function=row["function"],
        file=row["file"],
        line=row["line"],
        waits_ns=row["age"],
        obj=row["obj"],
        frames=row["frames"] or [],
    )


def _cycle_through(graph: _Graph, node: _Node) -> list[_Node]:
    """The shortest way from a node back to it; empty if there is none."""
    came_from: dict[_Node, _Node] = {}
    front = [node]
    while front:
        following = []
        for at in front:
            for to in sorted(graph.get(at, ())):
                if to == node:
                    way = [at]
                    while way[-1] != node:
                        way.append(came_from[way[-1]])
                    return way[::-1]
                if to not in came_from:
                    came_from[to] = at
                    following.append(to)
        front = following
    return []


def _reached(graph: _Graph, node: _Node) -> set[_Node]:
    """All that can be reached from a node."""
    found: set[_Node] = set()
    front = [node]
    while front:
        found.update(front)
        front = list({to for at in front for to in graph.get(at, ())} - found)
    return found
