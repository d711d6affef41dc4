-- The waits that `selected_waits` selects, with numbers for names, since to group by numbers takes a
-- fifth of the time.
--
-- The columns are those of `waits` by the same names, but that reason and the transitions are as in
-- `int_waits`, and that function_number (see `int_sites`) stands for function, file and line.
CREATE TEMP MACRO int_waits_of(t0, t1, goids, pattern) AS TABLE
SELECT
    i.pid,
    i.goid,
    i.ts,
    i.ts_end,
    i.ts_end - i.ts AS dur,
    coalesce(i.ts_end, p.ended_ts, r.ended_ts) - i.ts AS dur_seen,
    i.began_by,
    i.ended_by,
    i.reason,
    s.site,
    s.function_number,
    i.waker_goid,
    i.obj,
    coalesce(s.system, false) AS system,
    i.certain
FROM int_waits AS i
LEFT JOIN int_sites AS s ON s.stack_id = i.stack_id
LEFT JOIN stg_processes AS p ON p.pid = i.pid
CROSS JOIN stg_recording AS r
WHERE i.ended_by IS DISTINCT FROM 'park_undone'
    AND (t1 IS NULL OR i.ts < t1)
    AND (t0 IS NULL OR i.ts_end IS NULL OR i.ts_end > t0)
    AND (goids IS NULL OR list_contains(goids, i.goid))
    AND (
        pattern IS NULL
        OR i.stack_id IN (SELECT stack_id FROM frames WHERE regexp_matches(function, pattern))
        OR (i.pid, i.goid) IN (
            SELECT pid, goid
            FROM goroutines
            WHERE regexp_matches(function, pattern) OR regexp_matches(created_by, pattern)
        )
    )
