-- Who woke whom and how often from t0 on and before t1, of or by some goroutines, and at functions that
-- match, on either side; NULL for an argument means no restriction. The columns are those of
-- `wake_graph`, and level (function or goroutine), and at level goroutine pid, waker_goid and goid.
CREATE TEMP MACRO wake_graph_of(t0, t1, goids, pattern) AS TABLE
-- Else the names of all are looked up before the pairs are counted.
WITH named AS MATERIALIZED (
    SELECT
        p.* EXCLUDE (waker_spot, spot, reason),
        p.reason::VARCHAR AS reason,
        h.function AS waker_goroutine,
        w.function AS waker_function,
        g.function AS goroutine,
        s.function
    FROM int_wake_pairs_of(t0, t1) AS p
    LEFT JOIN stacks AS s ON s.stack_id = p.spot
    LEFT JOIN stacks AS w ON w.stack_id = p.waker_spot
    LEFT JOIN goroutines AS g ON g.pid = p.pid AND g.goid = p.goid
    LEFT JOIN goroutines AS h ON h.pid = p.pid AND h.goid = p.waker_goid
    WHERE goids IS NULL OR list_contains(goids, p.goid) OR list_contains(goids, p.waker_goid)
),
chosen AS (
    FROM named
    WHERE int_wake_matches(pattern, waker_goroutine, waker_function, goroutine, function)
)
SELECT
    'function' AS level,
    system,
    wake,
    NULL::INTEGER AS pid,
    NULL::BIGINT AS waker_goid,
    waker_goroutine,
    waker_function,
    NULL::BIGINT AS goid,
    goroutine,
    function,
    reason,
    wakes,
    waited_ns,
    longest_ns,
    uncertain
FROM int_wake_functions_of(t0, t1, goids, pattern)
UNION ALL
SELECT
    'goroutine', system, wake, pid, waker_goid, waker_goroutine, waker_function, goid, goroutine,
    function, reason, wakes, waited_ns, longest_ns, uncertain
FROM chosen
