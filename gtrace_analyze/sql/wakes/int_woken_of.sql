-- The waits in `source`, rows of `int_waits`, that somebody ended, from t0 on and before t1 (NULL: in all
-- the recording), with how long it had waited.
CREATE TEMP MACRO int_woken_of(source, t0, t1) AS TABLE
SELECT
    pid,
    wake,
    waker_goid,
    waker_stack_id,
    goid,
    stack_id,
    reason,
    ts_end - ts AS dur,
    certain,
    shape
FROM query_table(source)
WHERE wake IS NOT NULL AND ended_by <> 'park_undone'
    AND (t0 IS NULL OR ts_end >= t0)
    AND (t1 IS NULL OR ts_end < t1)
