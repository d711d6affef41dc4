"""What is known of goroutines does not depend on the chunks in which a recording is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyze.test_intervals import BLUEPRINTS as INTERVALS
from analyze.test_lent import BLUEPRINTS as LENT
from analyze.test_losses import BLUEPRINTS as LOSSES
from analyze.test_windows import BLUEPRINTS as WINDOWS
from blueprint import Blueprint, check
from gtrace_analyze import _steps


@pytest.mark.parametrize("blueprint", [*INTERVALS, *LENT, *LOSSES, *WINDOWS], ids=str)
def test_each_event_may_be_a_chunk(
    blueprint: Blueprint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_steps, "_EVENTS", 1)
    check(blueprint, tmp_path, parts=1000)
