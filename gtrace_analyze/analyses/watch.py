"""A recording as it is being written: rates, busy places, what grows, and what is lost.

Events are taken in once and only what is needed of each goroutine is kept, so that a sample costs
what happened since the last one, however long the recording.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import duckdb

from gtrace_analyze.engine import connect
from gtrace_analyze.recording import read
from gtrace_analyze.tail import Tail
from gtrace_rec import schema

__all__ = ["Sample", "Watch"]

_SPANS = 5  # parts of the window, in each of which what grows must not fall back
_WAITING = [kind.name for kind in schema.EVENT_KINDS if kind.enters == "waiting"]

_TABLES = """
    CREATE TABLE lives (pid INTEGER, goid BIGINT, pc BIGINT);
    CREATE TABLE waiting (pid INTEGER, goid BIGINT, ts BIGINT, reason VARCHAR, stack_id INTEGER);
    CREATE TABLE parks (reason VARCHAR, stack_id INTEGER, parks BIGINT);
"""
_LIVES = """
    INSERT INTO lives SELECT pid, goid, pc FROM arrived
    WHERE kind IN ('create', 'create_parked', 'create_syscall')
        AND (pid, goid) NOT IN (SELECT pid, goid FROM lives)
    QUALIFY row_number() OVER (PARTITION BY pid, goid ORDER BY seq) = 1;
    DELETE FROM lives USING (
        SELECT pid, goid FROM arrived
        WHERE kind IN ('exit', 'create_syscall')
        GROUP BY pid, goid HAVING max_by(kind, seq) = 'exit'
    ) AS e
    WHERE e.pid = lives.pid AND e.goid = lives.goid
"""
_WAITS = """
    CREATE OR REPLACE TEMP TABLE latest AS
    SELECT pid, goid, max_by(kind, seq) AS kind, max(ts) AS ts, max_by(reason, seq) AS reason,
        max_by(stack_id, seq) AS stack_id
    FROM arrived GROUP BY pid, goid;
    DELETE FROM waiting USING latest AS e WHERE e.pid = waiting.pid AND e.goid = waiting.goid;
    INSERT INTO waiting
    SELECT pid, goid, ts, reason, stack_id FROM latest WHERE list_contains($waiting, kind)
"""
_PARKS = """
    INSERT INTO parks SELECT reason, stack_id, count(*) FROM arrived
    WHERE list_contains($waiting, kind) GROUP BY reason, stack_id
"""
# The first snapshot of a process has what was alive before its events begin; with a plan without
# events, each snapshot has all there is.
_SNAPSHOT = """
    INSERT INTO lives SELECT s.pid, s.goid, s.gopc FROM snapshot AS s
    WHERE (s.pid, s.goid) NOT IN (SELECT pid, goid FROM lives);
    INSERT INTO waiting
    SELECT s.pid, s.goid, coalesce(s.waitsince, s.ts), s.reason, s.stack_id FROM snapshot AS s
    WHERE s.status = 'waiting' AND (s.pid, s.goid) NOT IN (SELECT pid, goid FROM waiting)
"""
_PLACES = """
    SELECT coalesce(w.reason, p.reason) AS reason, coalesce(w.stack_id, p.stack_id) AS stack_id,
        coalesce(w.waiting, 0) AS waiting, w.since, coalesce(p.parks, 0)::BIGINT AS parks
    FROM (
        SELECT reason, stack_id, count(*) AS waiting, min(ts) AS since
        FROM waiting GROUP BY reason, stack_id
    ) AS w
    FULL JOIN (
        SELECT reason, stack_id, sum(parks) AS parks FROM parks GROUP BY reason, stack_id
    ) AS p ON p.reason IS NOT DISTINCT FROM w.reason
        AND p.stack_id IS NOT DISTINCT FROM w.stack_id
"""


@dataclass(frozen=True)
class Sample:
    """The recording at one moment.

    Counts are since its start, ``…_per_s`` since the last sample. ``places`` are where goroutines
    wait: function, file, line, reason, waiting, oldest_ns, parks_per_s. ``sites`` are go
    statements: created_by, created_at, live, growth_per_s over the window, and whether it only
    `grows`.
    """

    status: str
    wall_ns: int
    elapsed_ns: int
    events: int
    events_per_s: float
    kinds_per_s: dict[str, float]
    live: int
    lost: int
    lost_per_s: float
    lost_stacks: int
    ring_fill: float
    recorder_cpu: float
    recorder_rss_bytes: int
    places: list[dict[str, Any]]
    sites: list[dict[str, Any]]


class Watch:
    """Follows the recording at `path`, which is a directory with a manifest."""

    def __init__(self, path: Any, window_ns: int) -> None:
        self._path = path
        self._window_ns = window_ns
        self._tail = Tail(path)
        self._db = duckdb.connect()
        self._db.execute(_TABLES)
        self._stacks: dict[int, dict[str, Any]] = {}
        self._statements: dict[tuple[int, int], tuple[str, str]] = {}
        self._history: deque[tuple[int, dict[Any, int]]] = deque()
        self._seen_snapshots: set[int] = set()
        self._events = self._lost = self._lost_stacks = 0
        self._last_health: dict[str, Any] = {}
        self._last = 0

    def sample(self) -> Sample:
        """What there is now. Raises TraceError if the recording cannot be read any more."""
        recording = read(self._path)
        manifest = recording.manifest
        now = time.monotonic_ns() if recording.status == "recording" else manifest.flushed_ts
        span = max(now - (self._last or manifest.started_ts), 1) / 1e9
        self._last = now
        without_events = not any(p.attached for exe in manifest.exes for p in exe.probes)
        self._take_snapshots(without_events)
        kinds = self._take_events()
        lost_before = self._lost
        cpu = self._take_health()
        sites = self._sites(manifest, now)
        places = self._places(now, span)
        self._db.execute("DELETE FROM parks")
        return Sample(
            status=recording.status,
            wall_ns=time.time_ns(),
            elapsed_ns=now - manifest.started_ts,
            events=self._events,
            events_per_s=sum(kinds.values()) / span,
            kinds_per_s={kind: count / span for kind, count in sorted(kinds.items())},
            live=self._one("SELECT count(*) FROM lives"),
            lost=self._lost,
            lost_per_s=(self._lost - lost_before) / span,
            lost_stacks=self._lost_stacks,
            ring_fill=float(self._last_health.get("ring_fill", 0)),
            recorder_cpu=cpu,
            recorder_rss_bytes=int(self._last_health.get("rss_bytes", 0)),
            places=places,
            sites=sites,
        )

    def _take_events(self) -> dict[str, int]:
        kinds: dict[str, int] = {}
        for table in self._tail.events():
            self._events += table.num_rows
            self._db.register("new_events", table)
            self._db.execute(
                "CREATE OR REPLACE TEMP TABLE arrived AS SELECT pid, goid, ts, kind::VARCHAR AS "
                "kind, reason::VARCHAR AS reason, stack_id, pc, row_number() OVER () AS seq "
                "FROM new_events"
            )
            self._db.unregister("new_events")
            waiting = {"waiting": _WAITING}
            self._db.execute(_LIVES)
            self._run(_WAITS, waiting)
            self._run(_PARKS, waiting)
            counts = self._db.sql("SELECT kind, count(*) FROM arrived GROUP BY kind").fetchall()
            for kind, count in counts:
                kinds[kind] = kinds.get(kind, 0) + count
        return kinds

    def _take_snapshots(self, without_events: bool) -> None:
        table = self._tail.side("goroutines")
        if not table.num_rows:
            return
        self._db.register("new_rows", table)
        last = "last" if without_events else "first"
        self._db.execute(
            f"CREATE OR REPLACE TEMP TABLE snapshot AS SELECT * FROM new_rows "
            f"QUALIFY snapshot = {last}(snapshot) OVER (PARTITION BY pid ORDER BY snapshot "
            "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"
        )
        self._db.unregister("new_rows")
        pids = {pid for (pid,) in self._db.sql("SELECT DISTINCT pid FROM snapshot").fetchall()}
        if without_events:
            self._db.execute("DELETE FROM lives; DELETE FROM waiting")
        else:
            known = ", ".join(map(str, self._seen_snapshots)) or "NULL"
            self._db.execute(f"DELETE FROM snapshot WHERE pid IN ({known})")
        self._seen_snapshots |= pids
        self._db.execute(_SNAPSHOT)

    def _take_health(self) -> float:
        """The recorder's share of a processor, over the seconds that are new."""
        rows = self._tail.side("health").to_pylist()
        if not rows:
            return 0.0
        self._lost += sum(row["lost_ring"] + row["dropped"] for row in rows)
        self._lost_stacks += sum(row["lost_stack"] for row in rows)
        before = self._last_health.get("ts", rows[0]["ts"] - 10**9)
        self._last_health = rows[-1]
        return float(sum(row["cpu_ns"] for row in rows) / max(rows[-1]["ts"] - before, 1))

    def _sites(self, manifest: schema.Manifest, now: int) -> list[dict[str, Any]]:
        exes = {process.pid: process.exe for process in manifest.processes}
        rows = self._db.sql("SELECT pid, pc, count(*) FROM lives GROUP BY pid, pc").fetchall()
        live = {(pid, pc): count for pid, pc, count in rows}
        self._history.append((now, live))
        while now - self._history[0][0] > self._window_ns:
            self._history.popleft()
        self._name({(exes.get(pid, 0), pc) for pid, pc in live if pc is not None}, set())
        first, then = self._history[0]
        seconds = max(now - first, 1) / 1e9
        sites = []
        for (pid, pc), count in live.items():
            by, at = self._statements.get((exes.get(pid, 0), pc), (None, None))
            growth = (count - then.get((pid, pc), 0)) / seconds if len(self._history) > 1 else 0.0
            sites.append(
                {
                    "pid": pid,
                    "created_by": by,
                    "created_at": at,
                    "live": count,
                    "growth_per_s": growth,
                    "grows": self._grows((pid, pc)),
                }
            )
        return sorted(sites, key=lambda s: (not s["grows"], -s["growth_per_s"], -s["live"]))

    def _grows(self, key: tuple[int, int]) -> bool:
        """The fewest that lived in each fifth of the window are more than in the one before."""
        counts = [live.get(key, 0) for _, live in self._history]
        size = len(counts) // _SPANS
        if not size:
            return False
        lows = [min(counts[i * size : (i + 1) * size]) for i in range(_SPANS)]
        return all(a < b for a, b in pairwise(lows))

    def _places(self, now: int, span: float) -> list[dict[str, Any]]:
        rows = self._db.sql(_PLACES).fetchall()
        self._name(set(), {row[1] for row in rows if row[1] is not None})
        merged: dict[Any, dict[str, Any]] = {}
        for reason, stack_id, waiting, since, parks in rows:
            stack = self._stacks.get(stack_id, _UNKNOWN)
            if stack["system"]:
                continue
            place = merged.setdefault(
                (reason, stack["site"]),
                {
                    **{name: stack[name] for name in ("function", "file", "line")},
                    "reason": reason,
                    "waiting": 0,
                    "oldest_ns": None,
                    "parks_per_s": 0.0,
                },
            )
            place["waiting"] += waiting
            place["parks_per_s"] += parks / span
            if since is not None:
                place["oldest_ns"] = max(place["oldest_ns"] or 0, now - since)
        return sorted(merged.values(), key=lambda p: (-p["parks_per_s"], -p["waiting"]))

    def _name(self, statements: set[tuple[int, int]], stacks: set[int]) -> None:
        """Look up what is not known yet, as all other analyses name it."""
        if statements <= self._statements.keys() and stacks <= self._stacks.keys():
            return
        engine = connect(self._path)
        found = engine.rows("SELECT stack_id, site, function, file, line, system FROM stacks")
        self._stacks = {row["stack_id"]: row for row in found}
        for row in engine.rows("SELECT exe, pc, function, file, line FROM int_places"):
            place = f"{row['file']}:{row['line']}"
            self._statements[row["exe"], row["pc"]] = (row["function"], place)
        engine.close()

    def _run(self, script: str, parameters: dict[str, Any]) -> None:
        for statement in self._db.extract_statements(script):
            used = {k: v for k, v in parameters.items() if k in statement.named_parameters}
            self._db.execute(statement, used or None)

    def _one(self, query: str) -> int:
        ((value,),) = self._db.sql(query).fetchall()
        return int(value)


_UNKNOWN: dict[str, Any] = {
    "site": None, "function": None, "file": None, "line": None, "system": False
}  # fmt: skip
