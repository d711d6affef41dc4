-- The rows of `source`, waits with the columns of `waits`, that `selected_waits` selects.
CREATE TEMP MACRO int_selected_of(source, t0, t1, goids, pattern) AS TABLE
SELECT *
FROM query_table(source)
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
