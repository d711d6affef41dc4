"""Numbers for what has a name in a Perfetto trace, told once at its beginning ("interned")."""

from __future__ import annotations

from typing import Any

from gtrace_analyze.engine import Engine
from gtrace_analyze.export._protobuf import blob, message, uint

__all__ = ["ANNOTATIONS", "COUNTED", "interned", "slice_names"]

# What slices are annotated with: names, with their numbers.
ANNOTATIONS = {"at": 1, "goid": 2, "woken by": 3, "certain": 4}

# States that are counted over time.
COUNTED = ("running", "runnable", "waiting", "syscall", "not known")

# Fields of InternedData.
_CATEGORIES, _EVENTS, _KEYS, _STRINGS = 1, 2, 3, 29
_FUNCTIONS, _FRAMES, _CALLSTACKS = 5, 6, 7


def slice_names(engine: Engine) -> list[str]:
    """The names of slices, the states first. A name's number is its place here, from 1 on."""
    rows = engine.rows(
        "SELECT DISTINCT reason::VARCHAR AS name FROM int_intervals WHERE reason IS NOT NULL "
        "UNION SELECT function FROM goroutines WHERE function IS NOT NULL ORDER BY name"
    )
    return list(dict.fromkeys([*COUNTED, "wake", "create", *(row["name"] for row in rows)]))


def interned(engine: Engine, names: list[str]) -> bytes:
    """The message InternedData. Places and call stacks have the number of their stack plus one."""
    tables = {_CATEGORIES: COUNTED, _EVENTS: names, _KEYS: ANNOTATIONS}
    fields = [
        message(table, uint(1, iid), blob(2, name))
        for table, entries in tables.items()
        for iid, name in enumerate(entries, 1)
    ]
    functions: dict[str, int] = {}
    frames: dict[tuple[int, int], int] = {}
    for row in engine.rows("SELECT stack_id, function, file, line, frames FROM stacks"):
        place = f"{row['function']} {row['file']}:{row['line']}" if row["file"] else row["function"]
        fields.append(message(_STRINGS, uint(1, row["stack_id"] + 1), blob(2, place)))
        numbers = [_frame(frame, functions, frames) for frame in reversed(row["frames"])]
        ids = (uint(2, number) for number in numbers)
        fields.append(message(_CALLSTACKS, uint(1, row["stack_id"] + 1), *ids))
    for name, iid in functions.items():
        fields.append(message(_FUNCTIONS, uint(1, iid), blob(2, name)))
    for (function, line), iid in frames.items():
        fields.append(message(_FRAMES, uint(1, iid), uint(2, function), uint(6, line)))
    return b"".join(fields)


def _frame(
    frame: dict[str, Any], functions: dict[str, int], frames: dict[tuple[int, int], int]
) -> int:
    function = functions.setdefault(frame["function"], len(functions) + 1)
    return frames.setdefault((function, frame["line"] or 0), len(frames) + 1)
