-- The rows of `int_latency_parts_at` at all levels, in less time than they take one by one.
CREATE TEMP MACRO int_latency_parts_of(source) AS TABLE
WITH numbered AS (
    SELECT
        outcome::INTEGER AS each,
        cause_number * 8 + outcome AS by_cause,
        function_number * 8 + outcome AS by_function,
        origin * 8 + outcome AS by_site,
        dur_seen
    FROM query_table(source)
),
measured AS (
    SELECT
        CASE
            WHEN grouping(by_site) = 0 THEN 'site'
            WHEN grouping(by_function) = 0 THEN 'function'
            WHEN grouping(by_cause) = 0 THEN 'cause'
            ELSE 'all'
        END AS level,
        coalesce(by_site, by_function, by_cause, each) AS part,
        count(*) AS runs,
        sum(dur_seen)::BIGINT AS total_ns,
        max(dur_seen) AS longest_ns,
        quantile_cont(dur_seen, [0.5, 0.9, 0.99]) AS quantiles
    FROM numbered
    GROUP BY GROUPING SETS ((each), (by_cause), (by_function), (by_site))
)
FROM int_latency_told_of('measured')
