-- The rows of `int_intervals` that are in the rows of `int_cycles` in `source`.
CREATE TEMP MACRO int_intervals_in(source) AS TABLE
SELECT
    pid, goid, 'waiting'::goroutine_state AS state, ts, ts_end, began_by, ended_by, reason, stack_id,
    wake, waker_goid, waker_stack_id, tid, NULL AS cpu, pc, obj, certain
FROM int_waits_in(source)
UNION ALL
SELECT
    pid, goid, 'runnable'::goroutine_state, ts, ts_end, began_by, ended_by, NULL, stack_id, NULL, NULL,
    NULL, tid, NULL, NULL, NULL, certain
FROM int_runnables_in(source)
UNION ALL
SELECT
    pid, goid, state, ts, ts_end, began_by, ended_by, NULL, stack_id, NULL, NULL, NULL, tid, cpu, NULL,
    NULL, certain
FROM int_runs_in(source)
