"""The Trace Event Format: JSON that chrome://tracing, ui.perfetto.dev and many others read.

https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU. Each process of a
recording appears twice: once with its goroutines as rows, once with its threads. Times are µs from
the start of the recording, to the ns.
"""

from __future__ import annotations

import json
from typing import Any, BinaryIO

from gtrace_analyze.engine import Engine
from gtrace_analyze.export._clock import Clock
from gtrace_analyze.export._streams import write_text
from gtrace_analyze.export._timeline import arguments
from gtrace_analyze.selection import ALL, Selection
from gtrace_rec import __version__

__all__ = ["THREADS", "write"]

# Added to a pid, it names the process's threads: no pid in Linux is as large (PID_MAX_LIMIT).
THREADS = 4_194_304

_NAMES = f"""
    SELECT {{
        'ph': 'M', 'pid': row_pid, 'tid': coalesce(row_tid, 0),
        'name': CASE WHEN row_tid IS NULL THEN 'process_name' ELSE 'thread_name' END,
        'args': {{'name': name}}
    }} AS event
    FROM (
        SELECT pid AS row_pid, NULL AS row_tid, 'goroutines of ' || e.path AS name
        FROM stg_processes AS p JOIN stg_exes AS e USING (exe)
        UNION ALL
        SELECT pid + {THREADS}, NULL, 'threads of ' || e.path
        FROM stg_processes AS p JOIN stg_exes AS e USING (exe)
        UNION ALL
        SELECT pid, goid, 'G' || goid || coalesce(' ' || function, '')
        FROM selected_goroutines($start, $end, $goids, $pattern)
        UNION ALL
        SELECT DISTINCT pid + {THREADS}, tid, 'thread ' || tid
        FROM selected_intervals($start, $end, $goids, $pattern)
        WHERE state = 'running' AND tid IS NOT NULL
    )
"""
_AT = "((from_ts - $origin) / 1000.0)::DECIMAL(18, 3)"
_SPAN = f"'ts': {_AT}, 'dur': (ns / 1000.0)::DECIMAL(18, 3)"
_SLICES = f"""
    SELECT {{
        'ph': 'X', 'pid': pid, 'tid': goid, {_SPAN},
        'name': coalesce(reason::VARCHAR, state::VARCHAR, 'not known'),
        'cat': coalesce(state::VARCHAR, 'not known'),
        'args': {{
            'at': function || coalesce(' ' || file || ':' || line, ''), 'ended by': wake,
            'woken by': waker_goid, 'thread': tid, 'open': nullif(open, false),
            'certain': nullif(certain, true)
        }}
    }} AS event
    FROM slices
"""
_RUNS = f"""
    SELECT {{
        'ph': 'X', 'pid': pid + {THREADS}, 'tid': tid, {_SPAN},
        'name': coalesce(start_function, 'not known'), 'cat': 'running', 'args': {{'goid': goid}}
    }} AS event
    FROM slices
    WHERE state = 'running' AND tid IS NOT NULL
"""
_FLOWS = f"""
    SELECT {{
        'ph': ends.ph, 'bp': ends.bp, 'id': pid || '/' || goid || '/' || from_ts, 'pid': pid,
        'tid': CASE ends.ph WHEN 's' THEN cause_goid ELSE goid END, 'ts': {_AT},
        'name': cause, 'cat': cause
    }} AS event
    FROM slices
    CROSS JOIN (VALUES ('s', NULL), ('f', 'e')) AS ends (ph, bp)
    WHERE cause IS NOT NULL
"""
_COUNTERS = f"""
    SELECT {{
        'ph': 'C', 'pid': pid, 'tid': 0, 'ts': {_AT},
        'name': coalesce(state::VARCHAR, 'not known'), 'args': {{'goroutines': goroutines}}
    }} AS event
    FROM (
        SELECT * RENAME (ts AS from_ts)
        FROM state_counts($start, $end, $goids, $pattern, $step)
    )
"""
_LINES = """
    WITH slices AS (FROM timeline_slices($start, $end, $goids, $pattern))
    SELECT ',' || chr(10) || json_merge_patch('{{}}', to_json(event)) FROM ({})
"""


def write(engine: Engine, out: BinaryIO, selection: Selection = ALL) -> str:
    """Write the timeline of goroutines and threads; returns what was written.

    Raises UsageError if there is nothing in the selection.
    """
    parameters = arguments(engine, selection)
    head = {"displayTimeUnit": "ns", "otherData": _facts(engine, parameters["origin"])}
    first = {"ph": "M", "pid": 0, "tid": 0, "name": "gtrace", "args": {"version": __version__}}
    out.write(f'{json.dumps(head)[:-1]}, "traceEvents": [\n{json.dumps(first)}'.encode())
    parts = (_NAMES, _SLICES, _RUNS, _FLOWS, _COUNTERS)
    _, slices, _, flows, _ = (
        write_text(engine, _LINES.format(part), parameters, out) for part in parts
    )
    out.write(b"\n]}\n")
    return f"{slices:,} intervals and {flows // 2:,} wake-ups"


def _facts(engine: Engine, origin: int) -> dict[str, Any]:
    manifest = engine.recording.manifest
    return {
        "recording": str(engine.recording.path),
        "plan": manifest.plan,
        "host": manifest.host.get("hostname"),
        "started_unix_ns": str(Clock.of(manifest).wall(origin)),
        "health": [
            row["description"]
            for row in engine.rows("SELECT description FROM health WHERE severity = 'warning'")
        ],
    }
