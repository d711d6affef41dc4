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
lengths AS (
    SELECT 'park' AS what, reason, function_number, NULL AS maker, ts_end, dur
    FROM int_waits_of(t0, t1, goids, pattern)
    WHERE dur IS NOT NULL AND certain AND NOT system
        AND began_by NOT IN ('seen waiting', 'then waiting')
    UNION ALL
    SELECT 'latency', NULL, NULL, coalesce(maker, 0), ts_end, dur
    FROM int_runnables_of(t0, t1, goids, pattern)
    WHERE dur IS NOT NULL AND certain AND NOT system AND cause <> 'seen'
),
measured AS (
    SELECT
        what,
        reason,
        function_number,
        maker,
        least((l.ts_end - s.first) * 20 // s.length, 19)::INTEGER AS block,
        count(*) AS n,
        quantile_cont(dur, [0.5, 0.9]) AS quantiles
    FROM lengths AS l
    CROSS JOIN span AS s
    WHERE l.ts_end >= s.first AND l.ts_end <= s.first + s.length
    GROUP BY ALL
),
quantiles AS (
    SELECT
        m.what,
        m.reason::VARCHAR AS reason,
        coalesce(f.function, o.function) AS function,
        o.created_by,
        m.block,
        m.n,
        m.quantiles
    FROM measured AS m
    LEFT JOIN int_functions AS f ON f.function_number = m.function_number
    LEFT JOIN (SELECT DISTINCT maker, function, created_by FROM int_origin_names) AS o
        ON o.maker = m.maker
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
