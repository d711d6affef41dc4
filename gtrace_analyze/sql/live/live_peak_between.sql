-- The most of the program's goroutines that were alive at once from t0 to t1; the columns are those of
-- `live_peak`.
CREATE TEMP MACRO live_peak_between(t0, t1) AS TABLE
WITH moments AS (
    SELECT greatest(ts, t0) AS ts, sum(change) AS change
    FROM int_live_changes
    WHERE NOT system AND ts <= t1
    GROUP BY ALL
),
counted AS (
    SELECT ts, (sum(change) OVER (ORDER BY ts))::BIGINT AS live
    FROM moments
)
SELECT coalesce(max(live), 0) AS live, arg_max(ts, (live, -ts)) AS ts
FROM counted
