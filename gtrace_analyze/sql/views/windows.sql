-- The spans of time in which probes were on: one, or several if the recorder was to keep its cost to
-- the target small (--max-overhead). A rate is a number of events over the sum of `dur`.
--
-- Grain: one row per window.
-- Cost: none.
CREATE TEMP VIEW windows (
    ts,      -- from when on all was seen, ns
    ts_end,  -- until when, ns
    dur      -- how long, ns
) AS
WITH pauses AS (
    SELECT DISTINCT ts, ts_end FROM int_pauses
),
edges AS (
    SELECT started_ts AS ts FROM stg_recording
    UNION ALL
    SELECT ts_end FROM pauses
),
spans AS (
    SELECT e.ts, min(coalesce(p.ts, r.ended_ts)) AS ts_end
    FROM edges AS e
    CROSS JOIN stg_recording AS r
    LEFT JOIN pauses AS p ON p.ts >= e.ts
    GROUP BY e.ts
)
SELECT ts, ts_end, ts_end - ts
FROM spans
WHERE ts_end > ts
