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
    SELECT 'park' AS what, reason::VARCHAR AS reason, function, NULL AS created_by, ts_end, dur
    FROM selected_waits(t0, t1, goids, pattern)
    WHERE dur IS NOT NULL AND certain AND NOT system AND began_by NOT IN ('seen waiting', 'then waiting')
    UNION ALL
    SELECT 'latency', NULL, function, created_by, ts_end, dur
    FROM selected_runnables(t0, t1, goids, pattern)
    WHERE dur IS NOT NULL AND certain AND NOT system AND cause <> 'seen'
),
quantiles AS (
    SELECT
        what,
        reason,
        function,
        created_by,
        least((l.ts_end - s.first)::HUGEINT * 20 // s.length, 19)::INTEGER AS block,
        count(*) AS n,
        quantile_cont(dur, [0.5, 0.9]) AS quantiles
    FROM lengths AS l
    CROSS JOIN span AS s
    WHERE l.ts_end >= s.first AND l.ts_end <= s.first + s.length
    GROUP BY ALL
),
flows AS (
    SELECT
        function,
        created_by,
        least((c.ts - s.first)::HUGEINT * 20 // s.length, 19)::INTEGER AS block,
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
