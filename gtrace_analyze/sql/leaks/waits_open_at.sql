-- The waits that stand open at a moment, with what is known of the goroutine; one row per waiting
-- goroutine.
--
-- `reachable` is what the searches of memory within the wait found: false if at any of them nothing
-- that can run referred to what it waits on, since that does not change any more; NULL if there was
-- none.
CREATE TEMP MACRO waits_open_at(t1) AS TABLE
WITH standing AS (
    SELECT i.pid, i.goid, i.ts, i.began_by::VARCHAR AS began_by, i.reason::VARCHAR AS reason,
        i.stack_id, s.site, i.obj,
        i.certain OR (i.ts_end IS NOT NULL AND i.ts_end > t1) AS certain
    FROM int_waits AS i
    LEFT JOIN stacks AS s ON s.stack_id = i.stack_id
    WHERE i.ts < t1 AND (i.ts_end IS NULL OR i.ts_end > t1)
),
searched AS (
    SELECT o.pid, o.goid, bool_and(s.reachable) AS reachable
    FROM standing AS o
    JOIN stg_goroutines AS s ON s.pid = o.pid AND s.goid = o.goid AND s.ts BETWEEN o.ts AND t1
    WHERE s.reachable IS NOT NULL
    GROUP BY ALL
)
SELECT
    o.pid,
    o.goid,
    o.ts,
    least(t1, coalesce(p.ended_ts, t1)) - o.ts AS age,
    o.began_by,
    o.reason,
    o.stack_id,
    o.site,
    o.obj,
    o.certain,
    g.created_by,
    g.created_at,
    g.function AS start_function,
    g.system,
    g.ts AS created_ts,
    g.parent_goid,
    r.reachable
FROM standing AS o
JOIN goroutines AS g ON g.pid = o.pid AND g.goid = o.goid
LEFT JOIN stg_processes AS p ON p.pid = o.pid
LEFT JOIN searched AS r ON r.pid = o.pid AND r.goid = o.goid
