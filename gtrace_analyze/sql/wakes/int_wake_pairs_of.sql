-- Which goroutine woke which, at which functions and how often, from t0 on and before t1 (NULL: in all
-- the recording); the columns are those of `int_wake_pairs`. Names are left out, since to group by
-- numbers takes a fifth of the time.
CREATE TEMP MACRO int_wake_pairs_of(t0, t1) AS TABLE
WITH woken AS NOT MATERIALIZED (
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
SELECT
    pid,
    wake,
    waker_goid,
    waker_spot,
    goid,
    spot,
    reason,
    coalesce(any_value(system), false) AS system,
    count(*) FILTER (certain) AS wakes,
    coalesce(sum(dur) FILTER (certain), 0)::BIGINT AS waited_ns,
    max(dur) FILTER (certain) AS longest_ns,
    count(*) FILTER (NOT certain) AS uncertain
FROM woken
WHERE wake IS NOT NULL
GROUP BY pid, wake, waker_goid, waker_spot, goid, spot, reason
