-- The rows of `int_woken_of` in `source` as pairs; the columns are those of `int_wake_pairs` but for
-- least. Names are left out, since to group by numbers takes a fifth of the time.
CREATE TEMP MACRO int_wake_pairs_at(source) AS TABLE
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
FROM query_table(source)
GROUP BY pid, wake, waker_goid, waker_spot, goid, spot, reason
