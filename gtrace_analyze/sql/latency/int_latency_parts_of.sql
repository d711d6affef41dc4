-- The rows of `int_latency_parts_at` at all levels, in less time than they take one by one.
CREATE TEMP MACRO int_latency_parts_of(source) AS TABLE
SELECT
    CASE
        WHEN grouping(origin) = 0 THEN 'site'
        WHEN grouping(function_number) = 0 THEN 'function'
        WHEN grouping(cause_number) = 0 THEN 'cause'
        ELSE 'all'
    END AS level,
    system,
    cause_number,
    function_number,
    origin,
    certain,
    ended,
    count(*) AS runs,
    sum(dur_seen)::BIGINT AS total_ns,
    max(dur_seen) AS longest_ns,
    quantile_cont(dur_seen, [0.5, 0.9, 0.99]) AS quantiles
FROM (
    SELECT
        system, cause_number, function_number, origin, certain, ts_end IS NOT NULL AS ended, dur_seen
    FROM query_table(source)
)
GROUP BY GROUPING SETS (
    (system, certain, ended),
    (system, cause_number, certain, ended),
    (system, function_number, certain, ended),
    (system, origin, certain, ended)
)
