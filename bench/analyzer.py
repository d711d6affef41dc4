"""How long the analyzer takes: to index a large recording, and then for each analysis."""

from __future__ import annotations

import inspect
import pkgutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bench import large
from bench.result import Result
from gtrace_analyze import analyses
from gtrace_analyze.engine import Engine, connect
from gtrace_analyze.selection import ALL, Selection

_TIMES = 20
_SHOWN = 20  # as many rows as commands show, of what there may be as many of as events
_REACH = 45.0  # ms for an analysis
_PATIENCE = 3.0  # seconds for one analysis, after which it is not repeated any more


def measure(events: int = 15_000_000, goroutines: int = 100_000) -> Iterator[Result]:
    """Events indexed a second, then the 95th percentile of each analysis, in process."""
    with tempfile.TemporaryDirectory(prefix="gtrace-bench-") as folder:
        path = Path(folder) / "trace.parquet"
        large.write(path, events, goroutines)
        yield from measure_at(path)


def measure_memory(events: int = 100_000_000, goroutines: int = 600_000) -> Iterator[Result]:
    """The most memory that the index, and then any analysis, takes of a very large recording."""
    with tempfile.TemporaryDirectory(prefix="gtrace-bench-") as folder:
        path = Path(folder) / "trace.parquet"
        large.write(path, events, goroutines, seconds=400.0)
        alone = ProcessPoolExecutor(1, get_context("spawn"))  # a process that has done nothing else
        with alone:
            index, peaks = alone.submit(_peaks, path).result()
    yield Result(f"memory to index {events / 1e6:.0f} M events", index, 4000, " MB")
    worst = max(peaks, key=lambda name: peaks[name])
    yield Result(
        f"memory of any analysis at {events / 1e6:.0f} M events",
        peaks[worst],
        4000,
        " MB",
        details=dict(peaks),
        note=worst,
    )


def _peaks(path: Path) -> tuple[float, dict[str, float]]:
    """The most that was resident while the index was built, and during each analysis, MB."""
    engine = connect(path)
    index = _peak()
    peaks = {}
    for name, analysis in calls(engine):
        Path("/proc/self/clear_refs").write_text("5")  # proc(5): the peak is reset
        analysis()
        peaks[name] = _peak()
    engine.close()
    return index, peaks


def _peak() -> float:
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in x)
    return int(line.split()[1]) * 1024 / 1e6


def measure_at(path: Path, times: int = _TIMES) -> Iterator[Result]:
    """The same of a recording that has no index yet."""
    cycles = 0.0

    def begun(name: str, _done: int, _total: int) -> None:
        nonlocal cycles
        if name == "int_cycles":  # several times, and once more when they are done
            cycles = time.monotonic() - began

    began = time.monotonic()
    engine = connect(path, begun)
    took = time.monotonic() - began
    events = engine.recording.rows
    yield Result(
        f"index of {events / 1e6:.1f} M events, million events/s",
        events / took / 1e6,
        1.0,
        at_least=True,
        details={"seconds": round(took, 1), "cycles": round(cycles, 1)},
        note=f"cycles {cycles:.1f} s, other tables {took - cycles:.1f} s",
    )
    for name, analysis in calls(engine):
        yield _timed(name, analysis, times)
    engine.close()


def calls(engine: Engine) -> Iterator[tuple[str, Callable[[], object]]]:
    """Every analysis of the package, at every level that it groups by; then of part of the time."""
    (row,) = engine.rows("SELECT ts, ts_end FROM recording")
    part = Selection(
        row["ts"] + (row["ts_end"] - row["ts"]) // 2,
        row["ts"] + (row["ts_end"] - row["ts"]) * 6 // 10,
    )
    for selection, suffix in ((ALL, ""), (part, ", a tenth of the time")):
        for module in pkgutil.iter_modules(analyses.__path__):
            loaded = import_module(f"{analyses.__name__}.{module.name}")
            collect = getattr(loaded, "collect", None)
            if collect is None:
                continue
            wanted = inspect.signature(collect).parameters
            arguments = _arguments(engine, wanted)
            if not arguments:
                continue  # it is about no recording
            if "selection" in wanted:
                arguments["selection"] = selection
            elif selection is not ALL:
                continue
            for level in getattr(loaded, "LEVELS", None) or [None]:
                by = {"by": level} if level is not None else {}
                shown = f"{module.name} by {level}" if level else module.name
                yield shown + suffix, partial(collect, **arguments, **by)


def _arguments(engine: Engine, wanted: Any) -> dict[str, object]:
    """What an analysis needs: the recording, both of two recordings, the busiest goroutine."""
    arguments: dict[str, object] = {n: engine for n in ("engine", "a", "b") if n in wanted}
    if "goid" in wanted:
        (row,) = engine.rows("SELECT goid FROM goroutines ORDER BY waits DESC, goid LIMIT 1")
        arguments["goid"] = row["goid"]
    if "most" in wanted and wanted["most"].default is None:
        arguments["most"] = _SHOWN
    return arguments


def _timed(name: str, analysis: Callable[[], object], repeat: int) -> Result:
    """The times of all but the first, which makes views and reads what the engine then keeps."""
    first = _milliseconds(analysis)
    times: list[float] = []
    while len(times) < repeat and sum(times) < _PATIENCE * 1e3:
        times.append(_milliseconds(analysis))
    p95 = statistics.quantiles(times, n=20, method="inclusive")[-1] if len(times) > 1 else times[0]
    middle = statistics.median(times)
    details = {"p50": round(middle, 2), "first": round(first, 2), "times": len(times)}
    note = f"p50 {middle:.1f} ms, the first {first:.1f} ms"
    return Result(f"{name}, p95", p95, _REACH, " ms", details=details, note=note)


def _milliseconds(analysis: Callable[[], object]) -> float:
    began = time.perf_counter()
    analysis()
    return (time.perf_counter() - began) * 1e3
