-- The rows of `int_numbered_waits` that `selected_waits` selects, by the same columns but for stack_id.
CREATE TEMP MACRO int_waits_of(t0, t1, goids, pattern) AS TABLE
SELECT * EXCLUDE (stack_id)
FROM int_numbered_waits
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
