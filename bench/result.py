"""What a benchmark yields, and how it is shown and kept."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
REFERENCE = RESULTS / "reference.json"


@dataclass(frozen=True)
class Result:
    """One figure, the figure to reach, and what it was made from."""

    name: str
    value: float
    limit: float
    unit: str = ""
    at_least: bool = False  # the limit is to be reached, not kept under
    details: Mapping[str, object] = field(default_factory=dict)
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether the figure is as good as the one to reach."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and quartiles of repeated measurements, for the details of a result."""
    low, middle, high = statistics.quantiles(values, n=4) if len(values) > 1 else [values[0]] * 3
    return {"median": round(middle, 4), "q1": round(low, 4), "q3": round(high, 4)}


def table(results: Iterable[Result]) -> str:
    """The results as a table, beside those of the reference run."""
    before = _reference()
    lines = [f"{'':5} {'REACHED':>12} {'TO REACH':>12} {'REFERENCE':>12}  WHAT"]
    for r in results:
        sign = "≥" if r.at_least else "≤"
        known = before.get(r.name)
        lines.append(
            f"{'pass' if r.passed else 'SHORT':5} {_shown(r.value, r.unit):>12} "
            f"{sign + ' ' + _shown(r.limit, r.unit):>12} "
            f"{_shown(known, r.unit) if known is not None else '':>12}  {r.name}"
            + (f" ({r.note})" if r.note else "")
        )
    return "\n".join(lines)


def save(results: Sequence[Result], path: Path) -> None:
    """Keep the results of a run, with the machine they are of."""
    record = {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": _commit(),
        "host": {
            "kernel": platform.release(),
            "processor": _processor(),
            "processors": os.cpu_count(),
            "load": [round(x, 2) for x in os.getloadavg()],
        },
        "results": [dataclasses.asdict(r) | {"passed": r.passed} for r in results],
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _reference() -> dict[str, float]:
    if not REFERENCE.exists():
        return {}
    record = json.loads(REFERENCE.read_text(encoding="utf-8"))
    return {r["name"]: r["value"] for r in record["results"]}


def _shown(value: float, unit: str) -> str:
    digits = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:,.{digits}f}{unit}"


def _commit() -> str:
    command = ["git", "-C", str(RESULTS.parent), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
