-- How many goroutines of each creation site are alive from t0 to t1, in steps of a 500th of that time.
-- The columns are those of `live_goroutines`.
CREATE TEMP MACRO live_goroutines_between(t0, t1) AS TABLE
WITH stepped AS (
    SELECT
        created_at,
        created_by,
        system,
        t0 + (greatest(ts, t0) - t0) // greatest((t1 - t0) // 500, 1) * greatest((t1 - t0) // 500, 1)
            AS ts,
        sum(change) AS change
    FROM int_live_changes
    WHERE ts <= t1
    GROUP BY ALL
)
SELECT
    created_at,
    created_by,
    system,
    ts,
    (sum(change) OVER (PARTITION BY created_at, created_by, system ORDER BY ts))::BIGINT AS live
FROM stepped
