-- Who woke whom and how often from t0 on and before t1, function by function; for the arguments see
-- `wake_graph_of`. The columns are those of `wake_graph`. By numbers for names first: there are far
-- fewer functions than pairs of goroutines, and the names of several may be the same.
CREATE TEMP MACRO int_wake_functions_of(t0, t1, goids, pattern) AS TABLE
WITH all_waits AS NOT MATERIALIZED (
    FROM int_waits
),
-- By shape, which tells how, where and for what one waited: half the time that these take.
counted AS (
    SELECT
        w.shape,
        w.waker_stack_id,
        h.function_number AS waker_goroutine,
        g.function_number AS goroutine,
        count(*) AS wakes,
        sum(w.dur)::BIGINT AS waited_ns,
        max(w.dur) AS longest_ns
    FROM int_woken_of('all_waits', t0, t1) AS w
    JOIN int_origins AS g ON int_same_process(g.pid, w.pid) AND g.goid = w.goid
    LEFT JOIN int_origins AS h ON int_same_process(h.pid, w.pid) AND h.goid = w.waker_goid
    WHERE goids IS NULL OR list_contains(goids, w.goid) OR list_contains(goids, w.waker_goid)
    GROUP BY ALL
),
starts AS (
    SELECT DISTINCT function_number, function FROM int_origin_names
),
named AS (
    SELECT
        coalesce(s.system, false) AS system,
        i.wake::VARCHAR AS wake,
        h.function AS waker_goroutine,
        w.function AS waker_function,
        g.function AS goroutine,
        s.function,
        i.reason::VARCHAR AS reason,
        i.certain & 1 <> 0 AS certain,
        c.wakes,
        c.waited_ns,
        c.longest_ns
    FROM counted AS c
    JOIN int_shapes AS i ON i.shape = c.shape
    LEFT JOIN stacks AS s ON s.stack_id = i.stack_id
    LEFT JOIN stacks AS w ON w.stack_id = c.waker_stack_id
    LEFT JOIN starts AS g ON g.function_number = c.goroutine
    LEFT JOIN starts AS h ON h.function_number = c.waker_goroutine
)
SELECT
    system,
    wake,
    waker_goroutine,
    waker_function,
    goroutine,
    function,
    reason,
    coalesce(sum(wakes) FILTER (certain), 0)::BIGINT AS wakes,
    coalesce(sum(waited_ns) FILTER (certain), 0)::BIGINT AS waited_ns,
    max(longest_ns) FILTER (certain) AS longest_ns,
    coalesce(sum(wakes) FILTER (NOT certain), 0)::BIGINT AS uncertain
FROM named
WHERE int_wake_matches(pattern, waker_goroutine, waker_function, goroutine, function)
GROUP BY system, wake, waker_goroutine, waker_function, goroutine, function, reason
