-- What took how long and ended within a span of time, of selected goroutines (see
-- `selected_goroutines`): one row per lifetime, park and time spent runnable.
--
-- Columns: measure (lifetime, park, latency), reason (of a park; else NULL), ts (when it ended), dur,
-- whole (seen from its begin to its end, and nothing was lost within).
CREATE TEMP MACRO ended_durations(t0, t1, goids, pattern) AS TABLE
SELECT
    CASE WHEN state = 'waiting' THEN 'park' ELSE 'latency' END AS measure,
    reason::VARCHAR AS reason,
    ts_end AS ts,
    dur,
    certain AND NOT regexp_matches(began_by::VARCHAR, '^(seen|then) ') AS whole
FROM selected_intervals(t0, t1, goids, pattern)
WHERE ts_end <= coalesce(t1, ts_end)
    AND (
        state = 'waiting' AND ended_by <> 'park_undone'
        OR state = 'runnable' AND ended_by = 'run'
    )
UNION ALL
SELECT 'lifetime', NULL, ts_end, ts_end - ts, true
FROM selected_goroutines(t0, t1, goids, pattern)
WHERE ts_end <= coalesce(t1, ts_end) AND ts IS NOT NULL
