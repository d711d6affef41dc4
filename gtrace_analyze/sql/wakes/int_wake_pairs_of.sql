-- Which goroutine woke which, at which functions and how often, from t0 on and before t1 (NULL: in all
-- the recording); the columns are those of `int_wake_pairs`. Names are left out, since to group by
-- numbers takes a fifth of the time.
CREATE TEMP MACRO int_wake_pairs_of(t0, t1) AS TABLE
WITH spots AS (
    SELECT stack_id, system, min(stack_id) OVER (PARTITION BY function, system) AS spot
    FROM stacks
)
SELECT
    i.pid,
    i.wake,
    i.waker_goid,
    w.spot AS waker_spot,
    i.goid,
    s.spot,
    i.reason::wait_reason AS reason,
    coalesce(any_value(s.system), false) AS system,
    count(*) FILTER (i.certain) AS wakes,
    coalesce(sum(i.dur) FILTER (i.certain), 0)::BIGINT AS waited_ns,
    max(i.dur) FILTER (i.certain) AS longest_ns,
    count(*) FILTER (NOT i.certain) AS uncertain
FROM intervals AS i
LEFT JOIN spots AS s ON s.stack_id = i.stack_id
LEFT JOIN spots AS w ON w.stack_id = i.waker_stack_id
WHERE i.state = 'waiting' AND i.ts_end IS NOT NULL AND i.ended_by IS DISTINCT FROM 'park_undone'
    AND i.wake IS NOT NULL
    AND (t0 IS NULL OR i.ts_end >= t0)
    AND (t1 IS NULL OR i.ts_end < t1)
GROUP BY i.pid, i.wake, i.waker_goid, w.spot, i.goid, s.spot, i.reason::wait_reason
