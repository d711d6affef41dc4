"""The file format of https://www.speedscope.app: a profile per measure, one file.

Its schema is https://www.speedscope.app/file-format-schema.json.
"""

from __future__ import annotations

import json
from typing import Any, BinaryIO

from gtrace_analyze.engine import Engine
from gtrace_analyze.export import _samples
from gtrace_analyze.export._samples import Measure, Sample
from gtrace_analyze.export._stacks import Line
from gtrace_analyze.selection import ALL, Selection
from gtrace_rec import __version__

__all__ = ["write"]

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def write(engine: Engine, out: BinaryIO, selection: Selection = ALL) -> str:
    """Write all measures that have samples; returns what was written.

    Raises UsageError if there is nothing in the selection.
    """
    frames: dict[Line, int] = {}
    samples = list(_samples.collect(engine, selection))
    measures = _samples.known_measures(engine)
    profiles = [_profile(m, samples, frames) for m in measures]
    profiles = [profile for profile in profiles if profile["samples"]]
    names = [profile["name"] for profile in profiles]
    document = {
        "$schema": _SCHEMA,
        "exporter": f"gtrace {__version__}",
        "name": engine.recording.path.name,
        "activeProfileIndex": names.index("park") if "park" in names else 0,
        "shared": {"frames": [_frame(line) for line in frames]},
        "profiles": profiles,
    }
    out.write(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    return f"profiles of {', '.join(names)}"


def _profile(measure: Measure, samples: list[Sample], frames: dict[Line, int]) -> dict[str, Any]:
    chosen = [s for s in samples if s.measure == measure.measure]
    weights = [getattr(sample, measure.column) for sample in chosen]
    return {
        "type": "sampled",
        "name": measure.name,
        "unit": "nanoseconds" if measure.unit == "nanoseconds" else "none",
        "startValue": 0,
        "endValue": sum(weights),
        "samples": [
            [
                frames.setdefault(line, len(frames))
                for location in reversed(sample.stack)
                for line in reversed(location.lines)
            ]
            for sample in chosen
        ],
        "weights": weights,
    }


def _frame(line: Line) -> dict[str, Any]:
    frame: dict[str, Any] = {"name": line.function}
    if line.file is not None:
        frame |= {"file": line.file, "line": line.line}
    return frame
