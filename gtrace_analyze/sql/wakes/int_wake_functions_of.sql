-- Who woke whom and how often from t0 on and before t1, function by function; for the arguments see
-- `wake_graph_of`. The columns are those of `wake_graph`. By numbers for names first: there are far
-- fewer functions than pairs of goroutines, and the names of several may be the same.
CREATE TEMP MACRO int_wake_functions_of(t0, t1, goids, pattern) AS TABLE
WITH all_waits AS NOT MATERIALIZED (
    FROM int_waits
),
counted AS (
    SELECT
        w.wake,
        h.function_number AS waker_goroutine,
        w.waker_stack_id,
        g.function_number AS goroutine,
        w.stack_id,
        w.reason,
        count(*) FILTER (w.certain) AS wakes,
        coalesce(sum(w.dur) FILTER (w.certain), 0)::BIGINT AS waited_ns,
        max(w.dur) FILTER (w.certain) AS longest_ns,
        count(*) FILTER (NOT w.certain) AS uncertain
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
        c.wake::VARCHAR AS wake,
        h.function AS waker_goroutine,
        w.function AS waker_function,
        g.function AS goroutine,
        s.function,
        c.reason::VARCHAR AS reason,
        c.wakes,
        c.waited_ns,
        c.longest_ns,
        c.uncertain
    FROM counted AS c
    LEFT JOIN stacks AS s ON s.stack_id = c.stack_id
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
    sum(wakes)::BIGINT AS wakes,
    sum(waited_ns)::BIGINT AS waited_ns,
    max(longest_ns) AS longest_ns,
    sum(uncertain)::BIGINT AS uncertain
FROM named
WHERE int_wake_matches(pattern, waker_goroutine, waker_function, goroutine, function)
GROUP BY system, wake, waker_goroutine, waker_function, goroutine, function, reason
