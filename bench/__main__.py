"""Runs the benchmarks: ``python -m bench [WORDS...]``, those whose name has one of the words."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import analyzer, bpftrace, event_cost, overhead, recorder, snapshots
from bench.result import RESULTS, Result, save, table

BENCHMARKS: dict[str, Callable[[], Iterator[Result]]] = {
    "event-cost": event_cost.measure,
    "bpftrace": bpftrace.measure,
    "recorder": recorder.measure,
    "overhead": overhead.measure,
    "snapshots": snapshots.measure,
    "analyzer": analyzer.measure,
    "minutes": recorder.measure_flatness,
    "hundred-million": analyzer.measure_memory,
}
# Takes many minutes and gigabytes of disk.
_ONLY_IF_NAMED = {"hundred-million"}


def main(words: list[str]) -> None:
    """Run, print, keep."""
    if unknown := [word for word in words if not any(word in name for name in BENCHMARKS)]:
        sys.exit(f"no benchmark is called {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    results: list[Result] = []
    for name, measure in BENCHMARKS.items():
        named = any(word in name for word in words)
        if not named and (words or name in _ONLY_IF_NAMED):
            continue
        began = time.monotonic()
        print(f"· {name}", end=" ", flush=True, file=sys.stderr)
        results += measure()
        print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
    print(table(results))
    path = RESULTS / time.strftime("run-%Y%m%d-%H%M%S.json")
    save(results, path)
    print(f"kept in {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


if __name__ == "__main__":
    main(sys.argv[1:])
