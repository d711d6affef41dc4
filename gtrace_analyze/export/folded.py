"""Folded stacks, a line each: what flamegraph.pl, inferno and many others read.

The format is that of https://github.com/brendangregg/FlameGraph: frames from the root on, divided
by semicolons, a space and a number.
"""

from __future__ import annotations

from collections import Counter
from typing import BinaryIO

from gtrace_analyze._errors import UsageError
from gtrace_analyze.engine import Engine
from gtrace_analyze.export import _samples
from gtrace_analyze.selection import ALL, Selection

__all__ = ["write"]


def write(engine: Engine, out: BinaryIO, selection: Selection = ALL, measure: str = "park") -> str:
    """Write the stacks of one measure; returns what was written.

    Raises UsageError if there is no such measure, the recording cannot tell it, or there is nothing
    of it in the selection.
    """
    known = {m.name: m for m in _samples.known_measures(engine)}
    if measure not in known:
        plan = engine.recording.manifest.plan
        why = f"not known with plan {plan}" if measure in _samples.MEASURES else "no measure"
        raise UsageError(f"{measure!r} is {why}; there are {', '.join(known)}")
    chosen = known[measure]
    totals: Counter[str] = Counter()
    for sample in _samples.collect(engine, selection):
        if sample.measure == chosen.measure:
            frames = (line.function for at in reversed(sample.stack) for line in reversed(at.lines))
            # Names of generic functions can contain whole struct types.
            folded = ";".join(name.replace(";", ",") for name in frames)
            totals[folded] += getattr(sample, chosen.column)
    if not totals:
        raise UsageError(f"nothing to export: no {measure} in the selection")
    out.writelines(f"{folded} {total}\n".encode() for folded, total in sorted(totals.items()))
    return f"{len(totals):,} stacks of {measure} in {chosen.unit}"
