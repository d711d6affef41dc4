-- How many goroutines of each creation site are alive, over time: a step function.
--
-- Grain: one row per creation site and 500th of the recording in which the number changed.
-- Cost: stored in the index.
CREATE TABLE live_goroutines (
    created_at,  -- file:line of the go statement; NULL where not known
    created_by,  -- function that contains it; NULL where not known
    system,      -- the runtime's own goroutines
    ts,          -- from when on, ns
    live         -- how many are alive until the site's next row
) AS
WITH lent AS (
    SELECT pid, goid, created_at, created_by, system FROM goroutines WHERE lives > 1
),
-- A goroutine that is lent to threads of C is not alive between two of its lives.
bounds AS (
    SELECT
        l.created_at,
        l.created_by,
        l.system,
        i.ended_by IN ('exit', 'then gone') AS ends,
        i.ts_end AS ts,
        lead(i.ts) OVER (PARTITION BY i.pid, i.goid ORDER BY i.ts, i.ts_end) AS next_ts
    FROM int_intervals AS i
    JOIN lent AS l ON l.pid = i.pid AND l.goid = i.goid
    WHERE i.ended_by IN ('exit', 'then gone')
        OR i.began_by = 'create_syscall'
        OR i.began_by IN ('then running', 'then runnable', 'then waiting', 'then syscall')
),
changes AS (
    SELECT created_at, created_by, system, greatest(first_ts, r.ts) AS ts, 1 AS change
    FROM goroutines
    CROSS JOIN recording AS r
    UNION ALL
    SELECT created_at, created_by, system, ts_end, -1
    FROM goroutines
    WHERE ts_end IS NOT NULL
    UNION ALL
    SELECT created_at, created_by, system, ts, -1 FROM bounds WHERE ends AND next_ts > ts
    UNION ALL
    SELECT created_at, created_by, system, next_ts, 1 FROM bounds WHERE ends AND next_ts > ts
),
stepped AS (
    SELECT
        c.created_at,
        c.created_by,
        c.system,
        r.ts + (c.ts - r.ts) // greatest(r.dur // 500, 1) * greatest(r.dur // 500, 1) AS ts,
        sum(c.change) AS change
    FROM changes AS c
    CROSS JOIN recording AS r
    GROUP BY ALL
)
SELECT
    created_at,
    created_by,
    system,
    ts,
    (sum(change) OVER (PARTITION BY created_at, created_by, system ORDER BY ts))::BIGINT
FROM stepped
