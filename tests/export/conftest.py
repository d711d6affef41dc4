"""Recordings to export: of a real program whose every goroutine is known, and made up ones."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from export.scene import LIVES
from gtrace_analyze.engine import Engine, connect
from live.recording import record
from synth import Recording


@pytest.fixture(scope="session")
def lives(tmp_path_factory: pytest.TempPathFactory, go_binary: Callable[..., Path]) -> Path:
    """A recording of tests/programs/lives.go with the numbers of LIVES. Needs the mark live."""
    out = tmp_path_factory.mktemp("export") / "lives.parquet"
    arguments = [f"{name}={number}" for name, number in LIVES.items()]
    done = record(out, "--", go_binary("lives.go"), *arguments)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture
def analyzed(tmp_path: Path) -> Generator[Callable[..., Engine]]:
    """``analyzed(recording, **how)``: written to disk (see ``Recording.write``) and opened."""
    engines: list[Engine] = []

    def open_(recording: Recording, **how: Any) -> Engine:
        path = recording.write(tmp_path / f"trace-{len(engines)}.parquet", **how)
        engines.append(connect(path))
        return engines[-1]

    yield open_
    for engine in engines:
        engine.close()
