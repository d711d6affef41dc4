-- The rows of `int_park_parts_at` at levels reason, function and stack, in half the time that they
-- take one by one.
CREATE TEMP MACRO int_park_parts_of(source) AS TABLE
SELECT
    CASE
        WHEN grouping(site) = 0 THEN 'stack'
        WHEN grouping(function_number) = 0 THEN 'function'
        ELSE 'reason'
    END AS level,
    system,
    reason,
    function_number,
    site,
    NULL::INTEGER AS pid,
    NULL::BIGINT AS obj,
    certain,
    ended,
    NULL::BIGINT AS first_function,
    count(*) AS waits,
    sum(dur_seen)::BIGINT AS total_ns,
    max(dur_seen) AS longest_ns,
    quantile_cont(dur_seen, [0.5, 0.9, 0.99]) AS quantiles
FROM (
    SELECT system, reason, function_number, site, certain, ts_end IS NOT NULL AS ended, dur_seen
    FROM query_table(source)
)
GROUP BY GROUPING SETS (
    (system, reason, certain, ended),
    (system, function_number, certain, ended),
    (system, reason, function_number, site, certain, ended)
)
