"""What recording an event costs the target, over a BPF program that does nothing there.

The probe itself, a trap into the kernel, costs what it costs; this is about what gtrace adds. Both
programs hang on the same instructions of the same process, in turns, and what the work took without
any is subtracted from both. Processor time, not wall time: the machine may have other things to do.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.ops import Ops
from bench.result import Result, spread
from gtrace_rec.goruntime import open_binary
from gtrace_rec.loader import LoadOptions, Probes
from gtrace_rec.plan import Plan, find_sites
from gtrace_rec.ring import RECORD

_RING = 64 << 20  # takes a whole piece of work, so that nothing is lost and nobody needs to drain
_EMPTY = Path(__file__).parent / "empty.bpf.c"


@dataclass(frozen=True)
class _Case:
    """Work, and the sites to watch it at."""

    name: str
    work: str
    times: int
    kinds: Collection[str]
    stacks: bool


_CASES = (
    _Case("ping-pong", "pingpong", 12_000, ("park", "ready", "run"), stacks=False),
    _Case("churn", "churn", 25_000, ("create", "run", "exit"), stacks=False),
    _Case("ping-pong", "pingpong", 12_000, ("park", "ready"), stacks=True),
    _Case("churn", "churn", 25_000, ("create",), stacks=True),
)


class EmptyProbes(Probes):
    """The same probes, whose programs do nothing."""

    @staticmethod
    def _source(folder: Path) -> bytes:
        return _EMPTY.read_bytes()


def measure(rounds: int = 11) -> Iterator[Result]:
    """Two results: without stacks, and of those events that have one."""
    with Ops() as target:
        ratios = [(case, _ratios(target, case, rounds)) for case in _CASES]
    for stacks, limit in ((False, 1.5), (True, 2.3)):
        chosen = {case.name: r for case, r in ratios if case.stacks is stacks}
        worst = max(chosen, key=lambda name: statistics.median(chosen[name]))
        yield Result(
            f"event cost over an empty probe, {'with' if stacks else 'without'} stack",
            statistics.median(chosen[worst]),
            limit,
            "×",
            details={name: spread(r) for name, r in chosen.items()},
            note=worst,
        )


def _ratios(target: Ops, case: _Case, rounds: int) -> list[float]:
    binary = open_binary(target.path)
    sites = [s for s in find_sites(binary, Plan.SCHED)[0] if s.kind in case.kinds]
    stacks = frozenset(case.kinds if case.stacks else ())
    empty = EmptyProbes(binary, sites, LoadOptions(ring_bytes=1 << 16))
    gtrace = Probes(binary, sites, LoadOptions(ring_bytes=_RING, stacks_of=stacks))
    target.do(case.work, case.times)  # threads, free goroutines and the like exist from now on
    ratios = []
    for _ in range(rounds):
        none, nothing, all_ = (_once(target, case, probes) for probes in (None, empty, gtrace))
        ratios.append((all_ - none) / (nothing - none))
    if gtrace.losses().lost_by_kind:
        raise RuntimeError("events were lost, and a lost one costs less")
    empty.close()
    gtrace.close()
    return ratios


def _once(target: Ops, case: _Case, probes: Probes | None) -> float:
    if probes is None:
        return target.do(case.work, case.times).cpu
    probes.attach(target.pid, target.path)
    try:
        return target.do(case.work, case.times).cpu
    finally:
        probes.detach()
        room = np.empty(1 << 16, RECORD)
        while probes.ring.read_into(room):
            pass
