-- The rows of `int_park_parts_at` at levels reason, function and stack, in half the time that they
-- take one by one.
CREATE TEMP MACRO int_park_parts_of(source) AS TABLE
WITH measured AS (
    SELECT
        CASE
            WHEN grouping(by_stack) = 0 THEN 'stack'
            WHEN grouping(by_function) = 0 THEN 'function'
            ELSE 'reason'
        END AS level,
        coalesce(by_stack, by_function, by_reason) AS part,
        count(*) AS waits,
        sum(dur_seen)::BIGINT AS total_ns,
        max(dur_seen) AS longest_ns,
        quantile_cont(dur_seen, [0.5, 0.9, 0.99]) AS quantiles
    FROM (SELECT by_reason, by_function, by_stack, dur_seen FROM query_table(source))
    GROUP BY GROUPING SETS ((by_reason), (by_function), (by_stack))
)
SELECT
    p.level, p.system, p.reason, p.function_number, p.site, p.certain, p.ended,
    NULL::INTEGER AS pid, NULL::BIGINT AS obj, NULL::BIGINT AS first_function,
    m.* EXCLUDE (level, part)
FROM measured AS m
JOIN int_wait_parts AS p ON p.level = m.level AND p.part = m.part
