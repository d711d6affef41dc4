-- The waits that overlap a span of time, of some goroutines, and at or below some function; NULL
-- for an argument means no restriction. A function counts if it is anywhere on the stack, is the
-- start function or contains the go statement. The columns are those of `waits`.
CREATE TEMP MACRO selected_waits(t0, t1, goids, pattern) AS TABLE
SELECT *
FROM waits
WHERE (t1 IS NULL OR ts < t1)
    AND (t0 IS NULL OR ts_end IS NULL OR ts_end > t0)
    AND (goids IS NULL OR list_contains(goids, goid))
    AND (
        pattern IS NULL
        OR stack_id IN (SELECT stack_id FROM frames WHERE regexp_matches(function, pattern))
        OR (pid, goid) IN (
            SELECT pid, goid
            FROM goroutines
            WHERE regexp_matches(function, pattern) OR regexp_matches(created_by, pattern)
        )
    )
