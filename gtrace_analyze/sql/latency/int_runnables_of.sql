-- The periods of being runnable that `selected_runnables` selects, with numbers for names (see
-- `int_origins` and `int_cause_number_of`). The other columns are those of `runnables`.
CREATE TEMP MACRO int_runnables_of(t0, t1, goids, pattern) AS TABLE
SELECT
    i.pid,
    i.goid,
    i.ts,
    i.ts_end,
    i.ts_end - i.ts AS dur,
    coalesce(i.ts_end, p.ended_ts, r.ended_ts) - i.ts AS dur_seen,
    int_cause_number_of(i.began_by) AS cause_number,
    o.origin,
    o.maker,
    coalesce(o.function_number, 0) AS function_number,
    coalesce(o.system, false) AS system,
    i.certain
FROM int_runnables AS i
LEFT JOIN int_origins AS o ON o.pid = i.pid AND o.goid = i.goid
LEFT JOIN stg_processes AS p ON p.pid = i.pid
CROSS JOIN stg_recording AS r
WHERE i.began_by <> 'park_undone'
    AND (t1 IS NULL OR i.ts < t1)
    AND (t0 IS NULL OR i.ts_end IS NULL OR i.ts_end > t0)
    AND (goids IS NULL OR list_contains(goids, i.goid))
    AND (
        pattern IS NULL
        OR o.origin IN (
            SELECT origin
            FROM int_origin_names
            WHERE regexp_matches(function, pattern) OR regexp_matches(created_by, pattern)
        )
    )
