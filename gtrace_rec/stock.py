"""Taking stock: what a recording holds and has lost so far, and what changed in a second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from gtrace_rec import procfs
from gtrace_rec.loader import LIMIT_CAUSES
from gtrace_rec.programs import Program
from gtrace_rec.readings import Readings
from gtrace_rec.schema import Totals


def totals(
    programs: Iterable[Program],
    *,
    disk_bytes: int,
    stacks: int,
    snapshots: int,
    windows: int,
    seen_ns: int | None,
) -> Totals:
    """What was recorded and lost of these programs, and what the recording holds besides."""
    programs = list(programs)
    losses = [p.probes.losses() for p in programs]
    by_kind: Counter[str] = sum((p.by_kind for p in programs), Counter())
    lost: Counter[str] = Counter()
    causes: Counter[str] = Counter()
    for loss in losses:
        lost.update(loss.lost_by_kind)
        causes.update(loss.lost_by_cause)
    return Totals(
        events=by_kind.total(),
        by_kind=dict(by_kind),
        lost_ring=causes.pop("ring full", 0),
        dropped={cause: n for cause, n in causes.items() if n},
        dropped_stacks=sum(x.dropped_stacks for x in losses),
        lost_by_kind=dict(lost),
        lost_stack=sum(x.lost_stack for x in losses) + sum(p.lost_stacks for p in programs),
        read_faults=sum(x.read_faults for x in losses),
        bytes=disk_bytes,
        stacks=stacks,
        snapshots=snapshots,
        windows=windows,
        seen_ns=seen_ns,
    )


class Stock:
    """Makes the rows of schema.HEALTH."""

    def __init__(self) -> None:
        self._before: Counter[str] = Counter()  # cumulative values as of the last row

    def begin(self) -> None:
        """Getting ready is no part of recording."""
        self._before["cpu_ns"] = procfs.cpu_ns()

    def take(
        self,
        now: int,
        programs: list[Program],
        total: Totals,
        *,
        bytes_written: int,
        seen_ns: int,
        live: int | None,
    ) -> tuple[dict[str, Any], Readings]:
        """What changed since the last call, as a row, and what there is now."""
        current = Counter(
            events=total.events,
            lost_ring=total.lost_ring,
            dropped=sum(total.dropped.values()),
            dropped_kinds=total.dropped.get("recorder limits", 0),
            lost_stack=total.lost_stack,
            read_faults=total.read_faults,
            bytes_written=bytes_written,
            cpu_ns=procfs.cpu_ns(),
            seen_ns=seen_ns,
        )
        row: dict[str, Any] = {k: v - self._before[k] for k, v in current.items()}
        self._before = current
        fullest = max((p.probes.ring.fullest for p in programs), default=0.0)
        for program in programs:
            program.probes.ring.fullest = 0.0
        row |= {
            "ts": now,
            "ring_fill": fullest,
            "rss_bytes": procfs.resident_bytes(),
            "live_goroutines": live,
            "probes_on": any(p.probes.attached for p in programs),
        }
        return row, Readings(
            ts=now,
            totals=total,
            dropped={"ring full": total.lost_ring}
            | {cause: total.dropped.get(cause, 0) for cause in LIMIT_CAUSES},
            ring_fill=fullest,
            live=live,
            sites_attached=sum(len(p.sites) for p in programs if p.probes.attached),
            bytes_written=bytes_written,
            cpu_ns=current["cpu_ns"],
            rss_bytes=row["rss_bytes"],
        )
