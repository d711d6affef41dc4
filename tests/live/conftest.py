"""Recordings that several files of live tests look at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from live.troubles import Troubles, record_troubles


@pytest.fixture(scope="session")
def troubles(tmp_path_factory: pytest.TempPathFactory, go_binary: Callable[..., Path]) -> Troubles:
    """All programs that leak or lock up, and the same put right."""
    return record_troubles(tmp_path_factory.mktemp("troubles") / "trace", go_binary)
