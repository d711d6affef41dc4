-- Waits that somebody ended, from t0 on and before t1 (NULL: in all the recording), with numbers for
-- names: where it was woken from and where it waited are stacks of `stacks` that show the function.
CREATE TEMP MACRO int_woken_of(t0, t1) AS TABLE
SELECT *
FROM (
    SELECT
        i.pid,
        wake_of('waiting', i.began_by, i.ended_by, i.reason, i.waker_goid) AS wake,
        i.waker_goid,
        w.spot AS waker_spot,
        i.goid,
        s.spot,
        i.reason,
        s.system,
        i.ts_end - i.ts AS dur,
        i.certain
    FROM int_waits AS i
    LEFT JOIN int_sites AS s ON s.stack_id = i.stack_id
    LEFT JOIN int_sites AS w ON w.stack_id = i.waker_stack_id
    WHERE i.ts_end IS NOT NULL AND i.ended_by <> 'park_undone'
        AND (t0 IS NULL OR i.ts_end >= t0)
        AND (t1 IS NULL OR i.ts_end < t1)
)
WHERE wake IS NOT NULL
