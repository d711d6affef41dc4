-- When goroutines began and ceased to be alive, as far as was seen. Those that the recording began with
-- are alive from its beginning, even if they were read a little later.
--
-- Grain: one row per goroutine and beginning or end of one of its lives.
-- Cost: reads `goroutines`, and the intervals of those that were lent to threads of C.
CREATE TEMP VIEW int_live_changes (
    pid,         -- process
    goid,        -- goroutine
    created_at,  -- file:line of the go statement; NULL where not known
    created_by,  -- function that contains it; NULL where not known
    function,    -- start function; NULL where not known
    system,      -- the runtime's own goroutine
    ts,          -- when, ns
    change       -- 1, or -1 at an end
) AS
WITH lives AS (
    SELECT
        g.*,
        CASE
            WHEN is_at_start(g.ts, g.first_ts, s.ts) THEN getvariable('started_ts') ELSE g.first_ts
        END AS alive_from
    FROM goroutines AS g
    LEFT JOIN int_first_snapshots AS s ON s.pid = g.pid
),
lent AS (
    SELECT pid, goid, created_at, created_by, function, system FROM goroutines WHERE lives > 1
),
-- A goroutine that is lent to threads of C is not alive between two of its lives.
bounds AS (
    SELECT
        l.*,
        i.ended_by IN ('exit', 'then gone') AS ends,
        i.ts_end AS ts,
        lead(i.ts) OVER (PARTITION BY i.pid, i.goid ORDER BY i.ts, i.ts_end) AS next_ts
    FROM int_intervals AS i
    JOIN lent AS l ON l.pid = i.pid AND l.goid = i.goid
    WHERE i.ended_by IN ('exit', 'then gone')
        OR i.began_by = 'create_syscall'
        OR i.began_by IN ('then running', 'then runnable', 'then waiting', 'then syscall')
),
pauses AS (
    FROM bounds WHERE ends AND next_ts > ts
)
SELECT pid, goid, created_at, created_by, function, system, alive_from, 1 FROM lives
UNION ALL
SELECT pid, goid, created_at, created_by, function, system, ts_end, -1
FROM goroutines
WHERE ts_end IS NOT NULL
UNION ALL
SELECT pid, goid, created_at, created_by, function, system, ts, -1 FROM pauses
UNION ALL
SELECT pid, goid, created_at, created_by, function, system, next_ts, 1 FROM pauses
