-- The periods of being runnable that `selected_runnables` selects, with numbers for names (see
-- `int_origins` and `int_cause_number_of`), and `outcome`, the sum of 4 if system, 2 if certain and 1 if it
-- ended. The other columns are those of `runnables`.
CREATE TEMP MACRO int_runnables_of(t0, t1, goids, pattern) AS TABLE
SELECT
    c.pid,
    c.goid,
    c.ready_ts AS ts,
    c.run_ts AS ts_end,
    c.run_ts - c.ready_ts AS dur,
    coalesce(c.run_ts, e.ended_ts) - c.ready_ts AS dur_seen,
    s.cause_number,
    o.origin,
    o.maker,
    o.function_number,
    o.system,
    s.certain,
    o.system::INTEGER * 4 + s.outcome AS outcome
FROM int_cycles AS c
JOIN int_runnable_shapes AS s ON s.shape = c.shape
JOIN int_origins AS o ON int_same_process(o.pid, c.pid) AND o.goid = c.goid
JOIN int_process_ends AS e ON e.pid = c.pid
WHERE (t1 IS NULL OR c.ready_ts < t1)
    AND (t0 IS NULL OR c.run_ts IS NULL OR c.run_ts > t0)
    AND (goids IS NULL OR list_contains(goids, c.goid))
    AND (
        pattern IS NULL
        OR o.origin IN (
            SELECT origin
            FROM int_origin_names
            WHERE regexp_matches(function, pattern) OR regexp_matches(created_by, pattern)
        )
    )
