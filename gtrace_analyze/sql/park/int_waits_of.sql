-- The waits that `selected_waits` selects, with numbers for names, since to group by numbers takes a
-- fifth of the time.
--
-- The columns are those of `waits` by the same names, but that reason and the transitions are as in
-- `int_waits`, and that function_number (see `int_sites`) stands for function, file and line. By what
-- numbers they can be grouped, see `int_wait_shapes`.
CREATE TEMP MACRO int_waits_of(t0, t1, goids, pattern) AS TABLE
SELECT
    c.pid,
    c.goid,
    c.wait_ts AS ts,
    c.ready_ts AS ts_end,
    c.ready_ts - c.wait_ts AS dur,
    coalesce(c.ready_ts, e.ended_ts) - c.wait_ts AS dur_seen,
    s.began_by,
    s.ended_by,
    s.reason,
    s.site,
    s.function_number,
    c.waker_goid,
    c.obj,
    s.system,
    s.certain,
    s.begun,
    s.by_reason,
    s.by_function,
    s.by_stack
FROM int_cycles AS c
JOIN int_wait_shapes AS s ON s.shape = c.shape
JOIN int_process_ends AS e ON e.pid = c.pid
WHERE s.ended_by IS DISTINCT FROM 'park_undone'
    AND (t1 IS NULL OR c.wait_ts < t1)
    AND (t0 IS NULL OR c.ready_ts IS NULL OR c.ready_ts > t0)
    AND (goids IS NULL OR list_contains(goids, c.goid))
    AND (
        pattern IS NULL
        OR s.stack_id IN (SELECT stack_id FROM frames WHERE regexp_matches(function, pattern))
        OR (c.pid, c.goid) IN (
            SELECT pid, goid
            FROM goroutines
            WHERE regexp_matches(function, pattern) OR regexp_matches(created_by, pattern)
        )
    )
