"""What the timeline formats share."""

from __future__ import annotations

from typing import Any

from gtrace_analyze._errors import UsageError
from gtrace_analyze.engine import Engine
from gtrace_analyze.export._streams import first
from gtrace_analyze.selection import Selection

__all__ = ["arguments"]

_LOOKS = 5_000  # points of a counter, at most; between them a change cannot be seen
_FINEST = 1_000  # ns


def arguments(engine: Engine, selection: Selection) -> dict[str, Any]:
    """Parameters of the macros in sql/export, and the recording's $origin and $last moment.

    Raises UsageError if there is nothing in the selection.
    """
    start, end = selection.span(engine)
    (recording,) = engine.rows("SELECT ts, ts_end FROM recording")
    parameters = {
        **selection.parameters(engine),
        "origin": recording["ts"],
        "last": recording["ts_end"],
        "step": max((end - start) // _LOOKS, _FINEST),
    }
    if (
        first(engine, "FROM selected_goroutines($start, $end, $goids, $pattern)", parameters)
        is None
    ):
        raise UsageError("nothing to export: no goroutine matches the selection")
    return parameters
