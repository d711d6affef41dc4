-- What two recordings are compared by, in twentieths of the span from t0 to t1 (NULL: of the
-- recording), for some goroutines. The columns are those of `comparison_blocks`.
CREATE TEMP MACRO comparison_blocks_of(t0, t1, goids, pattern) AS TABLE
WITH span AS (
    SELECT coalesce(t0, ts) AS first, greatest(coalesce(t1, ts_end) - coalesce(t0, ts), 1) AS length
    FROM recording
),
changes AS (
    SELECT created_by, function, unnest([
        {'ts': ts, 'made': 1, 'change': 1}, {'ts': ts_end, 'made': 0, 'change': -1}
    ], recursive := true)
    FROM goroutines
    WHERE NOT system
        AND (goids IS NULL OR list_contains(goids, goid))
        AND (
            pattern IS NULL
            OR regexp_matches(function, pattern)
            OR regexp_matches(created_by, pattern)
        )
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
    WHERE certain AND NOT system
        AND began_by NOT IN ('seen waiting', 'then waiting')
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
SELECT 'created/s' AS metric, NULL AS reason, function, created_by, block, n, made AS value
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
