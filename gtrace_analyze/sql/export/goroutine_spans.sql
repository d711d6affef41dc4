-- Goroutines with their longest waits, as spans with events: one row per selected goroutine (see
-- `selected_goroutines`), with its columns, and
--
-- * seen_ts, seen_ts_end: from when to when it was seen alive within the span of time;
-- * parks: how many waits it had then;
-- * events: the `most` longest of them in order of time, with stack_id, function, file, line and
--   those columns of `waits` that tell what it was; NULL if there are none.
CREATE TEMP MACRO goroutine_spans(t0, t1, goids, pattern, most) AS TABLE
WITH parks AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY pid, goid ORDER BY ns DESC, from_ts) AS nth
    FROM selected_intervals(t0, t1, goids, pattern)
    WHERE state = 'waiting' AND ended_by IS DISTINCT FROM 'park_undone'
),
told AS (
    SELECT
        p.pid,
        p.goid,
        count(*) AS parks,
        list(
            {
                'ts': p.from_ts,
                'ns': p.ns,
                'open': p.open,
                'reason': p.reason::VARCHAR,
                'wake': p.wake,
                'waker_goid': p.waker_goid,
                'obj': p.obj,
                'certain': p.certain,
                'stack_id': p.stack_id,
                'function': s.function,
                'file': s.file,
                'line': s.line
            }
            ORDER BY p.from_ts
        ) FILTER (p.nth <= most) AS events
    FROM parks AS p
    LEFT JOIN stacks AS s ON s.stack_id = p.stack_id
    GROUP BY p.pid, p.goid
),
lives AS (
    SELECT pid, goid, min(from_ts) AS seen_ts, max(to_ts) AS seen_ts_end
    FROM selected_intervals(t0, t1, goids, pattern)
    GROUP BY pid, goid
)
SELECT
    g.*,
    coalesce(l.seen_ts, greatest(g.first_ts, coalesce(t0, g.first_ts))) AS seen_ts,
    coalesce(
        l.seen_ts_end,
        least(coalesce(g.ts_end, r.ts_end), coalesce(t1, r.ts_end))
    ) AS seen_ts_end,
    coalesce(e.parks, 0) AS parks,
    e.events
FROM selected_goroutines(t0, t1, goids, pattern) AS g
LEFT JOIN lives AS l ON l.pid = g.pid AND l.goid = g.goid
LEFT JOIN told AS e ON e.pid = g.pid AND e.goid = g.goid
CROSS JOIN recording AS r
