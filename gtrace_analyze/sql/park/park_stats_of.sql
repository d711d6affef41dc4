-- How long goroutines waited, by wait reason, by function and by stack, for some of the waits (see
-- `selected_waits`). The columns are those of `park_stats`.
CREATE TEMP MACRO park_stats_of(t0, t1, goids, pattern) AS TABLE
WITH grouped AS (
    SELECT
        CASE
            WHEN grouping(site) = 0 THEN 'stack'
            WHEN grouping(function) = 0 THEN 'function'
            ELSE 'reason'
        END AS level,
        system,
        reason,
        function,
        site,
        CASE WHEN grouping(site) = 0 THEN any_value(file) END AS file,
        CASE WHEN grouping(site) = 0 THEN any_value(line) END AS line,
        count(dur) FILTER (certain) AS waits,
        coalesce(sum(dur) FILTER (certain), 0)::BIGINT AS total_ns,
        quantile_cont(dur, [0.5, 0.9, 0.99]) FILTER (certain) AS quantiles,
        max(dur) FILTER (certain) AS max_ns,
        count(*) FILTER (ts_end IS NULL) AS open,
        coalesce(sum(dur_seen) FILTER (ts_end IS NULL), 0)::BIGINT AS open_ns,
        max(dur_seen) FILTER (ts_end IS NULL) AS open_longest_ns,
        count(*) FILTER (NOT certain) AS uncertain
    FROM selected_waits(t0, t1, goids, pattern)
    GROUP BY GROUPING SETS (
        (system, reason), (system, function), (system, reason, function, site)
    )
)
SELECT
    level,
    system,
    reason,
    function,
    site,
    file,
    line,
    waits,
    total_ns,
    round(quantiles[1])::BIGINT AS p50_ns,
    round(quantiles[2])::BIGINT AS p90_ns,
    round(quantiles[3])::BIGINT AS p99_ns,
    max_ns,
    open,
    open_ns,
    open_longest_ns,
    uncertain
FROM grouped
