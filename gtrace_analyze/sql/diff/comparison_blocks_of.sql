-- What two recordings are compared by, in twentieths of the span from t0 to t1 (NULL: of the
-- recording), for some goroutines. The columns are those of `comparison_blocks`.
CREATE TEMP MACRO comparison_blocks_of(t0, t1, goids, pattern) AS TABLE
WITH span AS (
    SELECT coalesce(t0, ts) AS first, greatest(coalesce(t1, ts_end) - coalesce(t0, ts), 1) AS length
    FROM recording
),
chosen AS (
    SELECT pid, goid, created_by, function, ts, ts_end
    FROM goroutines
    WHERE NOT system
        AND (goids IS NULL OR list_contains(goids, goid))
        AND (
            pattern IS NULL
            OR regexp_matches(function, pattern)
            OR regexp_matches(created_by, pattern)
        )
),
changes AS (
    SELECT created_by, function, unnest([
        {'ts': ts, 'made': 1, 'change': 1}, {'ts': ts_end, 'made': 0, 'change': -1}
    ], recursive := true)
    FROM chosen
),
-- By how many more or fewer are alive at the end of each twentieth than at that of the one before.
steps AS (
    SELECT
        c.function,
        c.created_by,
        least(greatest(c.ts - s.first, 0) * 20 // s.length, 19)::INTEGER AS block,
        sum(c.change)::BIGINT AS change
    FROM int_live_changes AS c
    SEMI JOIN chosen AS g ON g.pid = c.pid AND g.goid = c.goid
    CROSS JOIN span AS s
    WHERE c.ts <= s.first + s.length
    GROUP BY ALL
),
alive AS (
    SELECT
        e.function,
        e.created_by,
        b.block,
        sum(t.change) OVER (PARTITION BY e.function, e.created_by ORDER BY b.block)::BIGINT AS alive
    FROM (SELECT DISTINCT function, created_by FROM steps) AS e
    CROSS JOIN (SELECT unnest(range(20))::INTEGER AS block) AS b
    LEFT JOIN steps AS t
        ON t.function IS NOT DISTINCT FROM e.function
        AND t.created_by IS NOT DISTINCT FROM e.created_by AND t.block = b.block
),
parked AS (
    SELECT
        reason,
        function_number,
        least((w.ts_end - s.first) * 20 // s.length, 19)::INTEGER AS block,
        count(*) AS n,
        quantile_cont(dur, [0.5, 0.9]) AS quantiles
    FROM int_waits_of(t0, t1, goids, pattern) AS w
    CROSS JOIN span AS s
    WHERE certain AND begun AND NOT system
        AND w.ts_end >= s.first AND w.ts_end <= s.first + s.length
    GROUP BY ALL
),
queued AS (
    SELECT
        maker,
        least((r.ts_end - s.first) * 20 // s.length, 19)::INTEGER AS block,
        count(*) AS n,
        quantile_cont(dur, [0.5, 0.9]) AS quantiles
    FROM int_runnables_of(t0, t1, goids, pattern) AS r
    CROSS JOIN span AS s
    WHERE certain AND NOT system AND int_cause_name_of(cause_number) <> 'seen'
        AND r.ts_end >= s.first AND r.ts_end <= s.first + s.length
    GROUP BY ALL
),
quantiles AS (
    SELECT
        'park' AS what, p.reason::VARCHAR AS reason, f.function, NULL AS created_by, p.block, p.n,
        p.quantiles
    FROM parked AS p
    LEFT JOIN int_functions AS f ON f.function_number = p.function_number
    UNION ALL
    SELECT 'latency', NULL, o.function, o.created_by, q.block, q.n, q.quantiles
    FROM queued AS q
    LEFT JOIN (SELECT DISTINCT maker, function, created_by FROM int_origin_names) AS o
        ON o.maker = q.maker
),
flows AS (
    SELECT
        function,
        created_by,
        least((c.ts - s.first) * 20 // s.length, 19)::INTEGER AS block,
        count(*) AS n,
        sum(made) * 20e9 / any_value(s.length) AS made,
        sum(change) * 20e9 / any_value(s.length) AS change
    FROM changes AS c
    CROSS JOIN span AS s
    WHERE c.ts >= s.first AND c.ts <= s.first + s.length
    GROUP BY ALL
)
SELECT
    'alive' AS metric, NULL AS reason, function, created_by, block, alive AS n, alive::DOUBLE AS value
FROM alive
WHERE alive > 0
UNION ALL
SELECT 'created/s', NULL, function, created_by, block, n, made
FROM flows
UNION ALL
SELECT 'growth/s', NULL, function, created_by, block, n, change
FROM flows
UNION ALL
SELECT what || ' p50', reason, function, created_by, block, n, quantiles[1]
FROM quantiles
UNION ALL
SELECT what || ' p90', reason, function, created_by, block, n, quantiles[2]
FROM quantiles
