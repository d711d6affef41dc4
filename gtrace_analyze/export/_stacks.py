"""Stacks of a recording as profiles want them: locations with their inlined frames."""

from __future__ import annotations

from dataclasses import dataclass

from gtrace_analyze.engine import Engine

__all__ = ["Line", "Location", "Stack", "Stacks", "start_of"]

_ROOT = "runtime.goexit"


@dataclass(frozen=True)
class Line:
    """A frame: a function, and where in it. `plumbing`: of the runtime, or wrapping it."""

    function: str
    file: str | None = None
    line: int | None = None
    plumbing: bool = False


@dataclass(frozen=True)
class Location:
    """A code address and its frames, the innermost inlined one first. `pc` is 0 if not known."""

    exe: int
    pc: int
    lines: tuple[Line, ...]


Stack = tuple[Location, ...]  # innermost first, like everywhere in a recording


class Stacks:
    """The stacks of a recording, by their numbers. What was never taken is an empty one."""

    def __init__(self, engine: Engine) -> None:
        rows = engine.rows("SELECT stack_id, exe, pcs FROM stg_stacks")
        self._locations = _locations(engine)
        self._stacks = {
            row["stack_id"]: _without_root([self._location(row["exe"], pc) for pc in row["pcs"]])
            for row in rows
        }

    def _location(self, exe: int, pc: int) -> Location:
        found = self._locations.get((exe, pc))
        return found or Location(exe, pc, (Line(f"0x{pc:x}"),))

    def get(self, stack_id: int | None) -> Stack:
        return self._stacks.get(-1 if stack_id is None else stack_id, ())


def _locations(engine: Engine) -> dict[tuple[int, int], Location]:
    rows = engine.rows(
        "SELECT exe, pc, list(struct_pack(function, file, line, "
        "plumbing := coalesce(is_plumbing(function), false)) ORDER BY depth) AS lines "
        "FROM stg_symbols WHERE function IS NOT NULL GROUP BY exe, pc"
    )
    return {
        (row["exe"], row["pc"]): Location(
            row["exe"], row["pc"], tuple(Line(**line) for line in row["lines"])
        )
        for row in rows
    }


def _without_root(stack: list[Location]) -> Stack:
    """Less goexit, which a stack that was cut at the recorder's depth does not have either."""
    if stack and stack[-1].lines[-1].function == _ROOT:
        stack = stack[:-1]
    return tuple(stack)


def start_of(exe: int, function: str | None) -> Stack:
    """All that is known of a stack if only the goroutine's start function is."""
    return (Location(exe, 0, (Line(function or "(start function not known)"),)),)
