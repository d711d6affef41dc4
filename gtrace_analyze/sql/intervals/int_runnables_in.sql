-- The rows of `int_runnables` that are in the rows of `int_cycles` in `source`.
CREATE TEMP MACRO int_runnables_in(source) AS TABLE
SELECT
    pid,
    goid,
    ready_ts AS ts,
    run_ts AS ts_end,
    ready_by AS began_by,
    run_by AS ended_by,
    CASE WHEN first_state = 1 THEN stack_id END AS stack_id,
    ready_tid AS tid,
    certain & 2 <> 0 AS certain
FROM query_table(source)
WHERE first_state <= 1 AND last_state >= 1
