-- The periods of being runnable that overlap a span of time, of some goroutines, and of goroutines
-- whose start function or go statement's function matches; NULL for an argument means no
-- restriction. The columns are those of `runnables`.
CREATE TEMP MACRO selected_runnables(t0, t1, goids, pattern) AS TABLE
SELECT *
FROM runnables
WHERE (t1 IS NULL OR ts < t1)
    AND (t0 IS NULL OR ts_end IS NULL OR ts_end > t0)
    AND (goids IS NULL OR list_contains(goids, goid))
    AND (
        pattern IS NULL
        OR regexp_matches(function, pattern)
        OR regexp_matches(created_by, pattern)
    )
