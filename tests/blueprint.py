"""Tests of SQL as blueprints: a recording, a query, the rows that must come."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gtrace_analyze.engine import Engine, connect
from synth import Recording

__all__ = ["Blueprint", "check"]


@dataclass(frozen=True)
class Blueprint:
    """`query` over what `recording` builds gives exactly `rows`, in any order unless it sorts."""

    name: str
    recording: Callable[[], Recording]
    query: str
    rows: list[tuple[Any, ...]]

    def __str__(self) -> str:
        return self.name


def check(blueprint: Blueprint, directory: Path, parts: int = 1) -> None:
    """Fail with the command that shows the same. The events are in up to so many files."""
    engine = _opened(blueprint.recording(), directory, parts)
    path = engine.recording.path
    table = engine.query(blueprint.query)
    found = [tuple(row.values()) for row in table.to_pylist()]
    expected = blueprint.rows
    if "ORDER BY" not in blueprint.query:
        found, expected = sorted(found, key=repr), sorted(expected, key=repr)
    if found != expected:
        query = " ".join(blueprint.query.split())
        raise AssertionError(
            f"{blueprint.name}\n"
            f"  expected {_lines(expected)}\n"
            f"  found    {_lines(found)}\n"
            f"  see it with: python -m gtrace_analyze sql {path} {query!r}"
        )


_open: dict[str, Engine] = {}


@atexit.register
def _close() -> None:
    for engine in _open.values():
        engine.close()
    _open.clear()


def _opened(recording: Recording, directory: Path, parts: int) -> Engine:
    """The recording, which is often that of the blueprint before."""
    content = repr((recording.manifest(), recording.rows, dict(recording.side), parts))
    if content not in _open:
        _close()
        _open[content] = connect(recording.write(directory / "trace.parquet", parts))
    return _open[content]


def _lines(rows: list[tuple[Any, ...]]) -> str:
    return "\n           ".join(map(repr, rows)) or "no rows"
