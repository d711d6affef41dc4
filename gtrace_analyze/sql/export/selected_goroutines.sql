-- The goroutines alive in a span of time, some of them, and at or below some function; NULL for an
-- argument means no restriction. A function counts if it is anywhere on a stack that the goroutine
-- ever had, is its start function or contains its go statement. The columns are those of
-- `goroutines`.
CREATE TEMP MACRO selected_goroutines(t0, t1, goids, pattern) AS TABLE
SELECT *
FROM goroutines
WHERE (t1 IS NULL OR first_ts < t1)
    AND (t0 IS NULL OR ts_end IS NULL OR ts_end > t0)
    AND (goids IS NULL OR list_contains(goids, goid))
    AND (
        pattern IS NULL
        OR regexp_matches(function, pattern)
        OR regexp_matches(created_by, pattern)
        OR (pid, goid) IN (
            SELECT (pid, goid)
            FROM int_intervals
            WHERE stack_id IN (SELECT stack_id FROM frames WHERE regexp_matches(function, pattern))
        )
    )
