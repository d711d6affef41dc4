-- When goroutines began and ceased to be alive, as far as was seen.
--
-- Grain: one row per goroutine and beginning or end of one of its lives.
-- Cost: reads `goroutines`, and the intervals of those that were lent to threads of C.
CREATE TEMP VIEW int_live_changes (
    created_at,  -- file:line of the go statement; NULL where not known
    created_by,  -- function that contains it; NULL where not known
    system,      -- the runtime's own goroutine
    ts,          -- when, ns
    change       -- 1, or -1 at an end
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
)
SELECT created_at, created_by, system, first_ts, 1
FROM goroutines
UNION ALL
SELECT created_at, created_by, system, ts_end, -1
FROM goroutines
WHERE ts_end IS NOT NULL
UNION ALL
SELECT created_at, created_by, system, ts, -1 FROM bounds WHERE ends AND next_ts > ts
UNION ALL
SELECT created_at, created_by, system, next_ts, 1 FROM bounds WHERE ends AND next_ts > ts
