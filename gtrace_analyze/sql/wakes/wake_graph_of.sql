-- Who woke whom and how often, for some of the wake-ups (see `selected_wakes`). The columns are
-- those of `wake_graph`.
CREATE TEMP MACRO wake_graph_of(t0, t1, goids, pattern) AS TABLE
SELECT
    CASE WHEN grouping(goid) = 0 THEN 'goroutine' ELSE 'function' END AS level,
    system,
    wake,
    pid,
    waker_goid,
    waker_goroutine,
    waker_function,
    goid,
    goroutine,
    function,
    reason,
    count(*) FILTER (certain) AS wakes,
    coalesce(sum(waited_ns) FILTER (certain), 0)::BIGINT AS waited_ns,
    max(waited_ns) FILTER (certain) AS longest_ns,
    count(*) FILTER (NOT certain) AS uncertain
FROM selected_wakes(t0, t1, goids, pattern)
GROUP BY GROUPING SETS (
    (system, wake, waker_goroutine, waker_function, goroutine, function, reason),
    (
        system, wake, pid, waker_goid, waker_goroutine, waker_function, goid, goroutine, function,
        reason
    )
)
