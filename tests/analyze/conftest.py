"""Recordings for the analyzer's tests."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from gtrace_analyze.engine import Engine, connect
from synth import Recording


@pytest.fixture
def analyzed(tmp_path: Path) -> Generator[Callable[..., Engine]]:
    """``analyzed(recording, **how)``: written to disk (see ``Recording.write``) and opened."""
    engines: list[Engine] = []

    def open_(recording: Recording, **how: object) -> Engine:
        path = recording.write(tmp_path / f"trace-{len(engines)}.parquet", **how)
        engines.append(connect(path))
        return engines[-1]

    yield open_
    for engine in engines:
        engine.close()
