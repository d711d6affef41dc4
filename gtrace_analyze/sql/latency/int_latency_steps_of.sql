-- Each time that a goroutine began to run, with the hundredth of the span from t0 to t1 in which it
-- did (NULL: of the recording), for some of the periods (see `selected_runnables`).
CREATE TEMP MACRO int_latency_steps_of(t0, t1, goids, pattern) AS TABLE
WITH span AS (
    SELECT coalesce(t0, ts) AS first, greatest(coalesce(t1, ts_end) - coalesce(t0, ts), 1) AS length
    FROM recording
)
SELECT
    r.system,
    least((r.ts_end - s.first) * 100 // s.length, 99)::INTEGER AS step,
    r.dur,
    s.first,
    s.length
FROM int_runnables_of(t0, t1, goids, pattern) AS r
CROSS JOIN span AS s
WHERE r.certain AND r.ts_end >= s.first AND r.ts_end <= s.first + s.length
