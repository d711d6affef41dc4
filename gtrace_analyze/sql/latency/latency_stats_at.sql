-- How long goroutines waited for a processor, by `which` (all, cause, function or site; NULL: by each
-- of them), for some of the periods (see `selected_runnables`). The columns are those of
-- `latency_stats`.
CREATE TEMP MACRO latency_stats_at(t0, t1, goids, pattern, which) AS TABLE
WITH grouped AS (
    FROM int_latency_groups_at(t0, t1, goids, pattern, 'all')
    WHERE which IS NULL OR which = 'all'
    UNION ALL
    FROM int_latency_groups_at(t0, t1, goids, pattern, 'cause')
    WHERE which IS NULL OR which = 'cause'
    UNION ALL
    FROM int_latency_groups_at(t0, t1, goids, pattern, 'function')
    WHERE which IS NULL OR which = 'function'
    UNION ALL
    FROM int_latency_groups_at(t0, t1, goids, pattern, 'site')
    WHERE which IS NULL OR which = 'site'
)
SELECT
    level,
    system,
    cause,
    function,
    created_by,
    created_at,
    runs,
    total_ns,
    round(quantiles[1])::BIGINT AS p50_ns,
    round(quantiles[2])::BIGINT AS p90_ns,
    round(quantiles[3])::BIGINT AS p99_ns,
    max_ns,
    open,
    open_longest_ns,
    uncertain
FROM grouped
