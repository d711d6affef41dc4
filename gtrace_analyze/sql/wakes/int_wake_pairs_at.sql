-- The rows of `int_woken_of` in `source` as pairs; the columns are those of `int_wake_pairs` but for
-- least. Names are left out, since to group by numbers takes a fifth of the time.
CREATE TEMP MACRO int_wake_pairs_at(source) AS TABLE
SELECT
    i.pid,
    i.wake::VARCHAR AS wake,
    i.waker_goid,
    w.spot AS waker_spot,
    i.goid,
    s.spot,
    i.reason,
    coalesce(any_value(s.system), false) AS system,
    count(*) FILTER (i.certain) AS wakes,
    coalesce(sum(i.dur) FILTER (i.certain), 0)::BIGINT AS waited_ns,
    max(i.dur) FILTER (i.certain) AS longest_ns,
    count(*) FILTER (NOT i.certain) AS uncertain
FROM query_table(source) AS i
LEFT JOIN int_sites AS s ON s.stack_id = i.stack_id
LEFT JOIN int_sites AS w ON w.stack_id = i.waker_stack_id
GROUP BY i.pid, i.wake, i.waker_goid, w.spot, i.goid, s.spot, i.reason
