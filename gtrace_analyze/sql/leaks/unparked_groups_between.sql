-- The groups of goroutines of the program that are alive at t1 and not known to wait, as seen from t0
-- on: same go statement, same thing that they do, and if that is a system call, same place. One row per
-- group; the columns are those of `unparked_groups`.
CREATE TEMP MACRO unparked_groups_between(t0, t1) AS TABLE
WITH standing AS (
    SELECT pid, goid, state, ts, stack_id
    FROM int_intervals
    WHERE ts < t1 AND (ts_end IS NULL OR ts_end >= t1)
        AND state IS DISTINCT FROM 'waiting' AND state IS DISTINCT FROM 'dead'
),
-- What the last snapshot since then found. Where system calls are not watched, it alone tells of one.
seen AS (
    SELECT
        o.pid,
        o.goid,
        arg_max(s.status, s.ts) AS status,
        arg_max_null(s.stack_id, s.ts) AS stack_id
    FROM standing AS o
    JOIN stg_goroutines AS s ON s.pid = o.pid AND s.goid = o.goid AND s.ts BETWEEN o.ts AND t1
    GROUP BY o.pid, o.goid
),
alive AS (
    SELECT
        o.pid,
        o.goid,
        CASE
            WHEN o.state = 'syscall' OR s.status = 'syscall' THEN 'syscall'
            WHEN o.state IS NOT NULL OR s.status IN ('running', 'runnable') THEN 'running'
        END AS doing,
        coalesce(s.stack_id, o.stack_id) AS stack_id,
        g.created_by,
        g.created_at,
        g.function AS start_function,
        g.first_ts,
        g.first_ts <= t0 OR is_at_start(g.ts, g.first_ts, f.ts) AS at_start,
        least(t1, coalesce(p.ended_ts, t1)) - g.first_ts AS age
    FROM standing AS o
    JOIN goroutines AS g ON g.pid = o.pid AND g.goid = o.goid
    LEFT JOIN seen AS s ON s.pid = o.pid AND s.goid = o.goid
    LEFT JOIN int_first_snapshots AS f ON f.pid = o.pid
    LEFT JOIN stg_processes AS p ON p.pid = o.pid
    WHERE NOT g.system AND g.created_at IS NOT NULL
),
groups AS (
    SELECT
        a.pid,
        CASE WHEN a.doing = 'syscall' THEN s.site END AS site,
        a.doing,
        a.created_at,
        any_value(a.created_by) AS created_by,
        any_value(a.start_function) AS start_function,
        count(*) AS count,
        list(a.goid ORDER BY a.first_ts, a.goid) AS goids,
        list(a.age ORDER BY a.first_ts, a.goid) AS ages,
        first(a.stack_id ORDER BY a.first_ts, a.goid) FILTER (a.stack_id IS NOT NULL) AS stack_id,
        max(a.age) AS oldest_ns,
        min(a.age) AS newest_ns,
        count(*) FILTER (a.at_start) AS at_start
    FROM alive AS a
    LEFT JOIN stacks AS s ON s.stack_id = a.stack_id
    GROUP BY ALL
)
SELECT g.*, s.function, s.file, s.line, s.frames
FROM groups AS g
LEFT JOIN stacks AS s ON s.stack_id = g.stack_id
