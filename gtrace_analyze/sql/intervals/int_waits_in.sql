-- The rows of `int_waits` that are in the rows of `int_cycles` in `source`.
CREATE TEMP MACRO int_waits_in(source) AS TABLE
SELECT
    pid,
    goid,
    wait_ts AS ts,
    ready_ts AS ts_end,
    wait_by AS began_by,
    ready_by AS ended_by,
    reason,
    stack_id,
    wake,
    waker_goid,
    waker_stack_id,
    wait_tid AS tid,
    pc,
    obj,
    certain & 1 <> 0 AS certain
FROM query_table(source)
WHERE first_state = 0
