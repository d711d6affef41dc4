-- How long goroutines waited for a processor, for some of the periods (see `selected_runnables`).
-- The columns are those of `latency_stats`.
CREATE TEMP MACRO latency_stats_of(t0, t1, goids, pattern) AS TABLE
WITH grouped AS (
    SELECT
        CASE
            WHEN grouping(created_at) = 0 THEN 'site'
            WHEN grouping(function) = 0 THEN 'function'
            WHEN grouping(cause) = 0 THEN 'cause'
            ELSE 'all'
        END AS level,
        system,
        cause,
        function,
        created_by,
        created_at,
        count(dur) FILTER (certain) AS runs,
        coalesce(sum(dur) FILTER (certain), 0)::BIGINT AS total_ns,
        quantile_cont(dur, [0.5, 0.9, 0.99]) FILTER (certain) AS quantiles,
        max(dur) FILTER (certain) AS max_ns,
        count(*) FILTER (ts_end IS NULL) AS open,
        max(dur_seen) FILTER (ts_end IS NULL) AS open_longest_ns,
        count(*) FILTER (NOT certain) AS uncertain
    FROM selected_runnables(t0, t1, goids, pattern)
    GROUP BY GROUPING SETS (
        (system), (system, cause), (system, function),
        (system, function, created_by, created_at)
    )
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
