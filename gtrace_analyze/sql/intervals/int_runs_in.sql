-- The rows of `int_runs` that are in the rows of `int_cycles` in `source`.
CREATE TEMP MACRO int_runs_in(source) AS TABLE
SELECT
    pid,
    goid,
    run_state AS state,
    run_ts AS ts,
    ts_end,
    run_by AS began_by,
    ended_by,
    CASE WHEN first_state = 2 THEN stack_id END AS stack_id,
    run_tid AS tid,
    run_cpu AS cpu,
    certain & 4 <> 0 AS certain
FROM query_table(source)
WHERE last_state = 2
