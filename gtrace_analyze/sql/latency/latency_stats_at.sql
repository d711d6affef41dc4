-- How long goroutines waited for a processor, by `which` (all, cause, function or site; NULL: by each
-- of them), for some of the periods (see `selected_runnables`). The columns are those of
-- `latency_stats`.
CREATE TEMP MACRO latency_stats_at(t0, t1, goids, pattern, which) AS TABLE
WITH chosen AS MATERIALIZED (
    FROM int_runnables_of(t0, t1, goids, pattern)
),
grouped AS (
    FROM int_latency_groups_at('chosen', 'all')
    WHERE which IS NULL OR which = 'all'
    UNION ALL
    FROM int_latency_groups_at('chosen', 'cause')
    WHERE which IS NULL OR which = 'cause'
    UNION ALL
    FROM int_latency_groups_at('chosen', 'function')
    WHERE which IS NULL OR which = 'function'
    UNION ALL
    FROM int_latency_groups_at('chosen', 'site')
    WHERE which IS NULL OR which = 'site'
)
SELECT
    g.level,
    g.system,
    g.cause,
    coalesce(f.function, n.function) AS function,
    n.created_by,
    n.created_at,
    g.runs,
    g.total_ns,
    round(g.quantiles[1])::BIGINT AS p50_ns,
    round(g.quantiles[2])::BIGINT AS p90_ns,
    round(g.quantiles[3])::BIGINT AS p99_ns,
    g.max_ns,
    g.open,
    g.open_longest_ns,
    g.uncertain
FROM grouped AS g
LEFT JOIN (SELECT DISTINCT function_number, function FROM int_origin_names) AS f
    ON f.function_number = g.function_number
LEFT JOIN int_origin_names AS n ON n.origin = g.origin
