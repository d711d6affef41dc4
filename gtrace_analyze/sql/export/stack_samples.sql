-- What was counted and timed at which stack, for profiles: see `stacked_intervals` for the arguments.
-- `goid_too` gives every goroutine rows of its own, `keys` are the pprof labels to tell apart.
-- `judged` is a list of {pid, goid, verdict}: what `leaks` said of a goroutine.
--
-- One row per measure, stack, and everything else that tells samples apart. The measures:
--
-- * park, latency, cpu, syscall: times in the state; `count` intervals, `ns` together;
-- * created: goroutines made, at the stack of the go statement;
-- * goroutine: alive at the end of the span; leak: those of them that leaks calls a leak or suspect.
--
-- Columns: measure, pid, stack_id, next_stack_id (cpu: the stack it ran towards; else NULL), function
-- (start function), created_by, state (goroutine: what it does), reason, verdict (leak), certain,
-- labels (list of {key, value}), goid (NULL unless wanted), count, ns.
CREATE TEMP MACRO stack_samples(t0, t1, goids, pattern, goid_too, keys, judged) AS TABLE
WITH spans AS (
    FROM stacked_intervals(t0, t1, goids, pattern)
),
verdicts AS (
    SELECT v.pid, v.goid, v.verdict FROM (SELECT unnest(judged) AS v)
),
facts AS (
    SELECT
        CASE state
            WHEN 'waiting' THEN 'park'
            WHEN 'runnable' THEN 'latency'
            WHEN 'running' THEN 'cpu'
            WHEN 'syscall' THEN 'syscall'
        END AS measure,
        pid, goid, last_stack_id AS stack_id,
        CASE WHEN state = 'running' THEN coalesce(next_stack_id, -1) END AS next_stack_id,
        NULL AS state,
        CASE WHEN state = 'waiting' THEN reason END AS reason,
        NULL AS verdict, certain, ns
    FROM spans
    WHERE state IS NOT NULL AND ended_by IS DISTINCT FROM 'park_undone'
    UNION ALL
    SELECT 'goroutine', pid, goid, CASE WHEN state <> 'running' THEN last_stack_id END, NULL,
        state::VARCHAR, reason, NULL, certain, 0
    FROM spans
    WHERE open
    UNION ALL
    SELECT 'leak', s.pid, s.goid, s.last_stack_id, NULL, NULL, s.reason, v.verdict, s.certain, 0
    FROM spans AS s
    JOIN verdicts AS v ON v.pid = s.pid AND v.goid = s.goid
    WHERE s.open
    UNION ALL
    SELECT 'created', pid, goid, coalesce(create_stack_id, -1), NULL, NULL, NULL, NULL, true, 0
    FROM selected_goroutines(t0, t1, goids, pattern)
    WHERE ts >= coalesce(t0, ts) AND ts < coalesce(t1, ts + 1)
)
SELECT
    f.measure,
    f.pid,
    f.stack_id,
    f.next_stack_id,
    g.function,
    g.created_by,
    f.state,
    f.reason::VARCHAR AS reason,
    f.verdict,
    f.certain,
    list_sort(list_filter(map_entries(g.labels), lambda e: list_contains(keys, e.key))) AS labels,
    CASE WHEN goid_too THEN f.goid END AS goid,
    count(*) AS count,
    sum(f.ns)::BIGINT AS ns
FROM facts AS f
JOIN goroutines AS g ON g.pid = f.pid AND g.goid = f.goid
GROUP BY ALL
