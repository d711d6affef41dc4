-- The rows of `int_waits_of` in `source`, counted and measured by what `which` level of `park_stats`
-- groups them by, and by whether they ended and are certain: `int_park_groups_of` makes one row of
-- these. At level channel first_function is the first function_number in order of names.
CREATE TEMP MACRO int_park_parts_at(source, which) AS TABLE
WITH measured AS (
    SELECT
        CASE which
            WHEN 'stack' THEN by_stack WHEN 'function' THEN by_function ELSE by_reason
        END AS part,
        CASE WHEN which = 'channel' THEN pid END AS pid,
        CASE WHEN which = 'channel' THEN obj END AS obj,
        CASE WHEN which = 'channel' THEN min(function_number) END AS first_function,
        count(*) AS waits,
        sum(dur_seen)::BIGINT AS total_ns,
        max(dur_seen) AS longest_ns,
        quantile_cont(dur_seen, [0.5, 0.9, 0.99]) AS quantiles
    FROM query_table(source)
    WHERE which <> 'channel' OR (obj IS NOT NULL AND starts_with(reason::VARCHAR, 'chan '))
    GROUP BY
        CASE which
            WHEN 'stack' THEN by_stack WHEN 'function' THEN by_function ELSE by_reason
        END,
        CASE WHEN which = 'channel' THEN pid END,
        CASE WHEN which = 'channel' THEN obj END
)
SELECT
    which AS level, p.system, p.reason, p.function_number, p.site, p.certain, p.ended,
    m.* EXCLUDE (part)
FROM measured AS m
JOIN int_wait_parts AS p
    ON p.level = CASE WHEN which = 'channel' THEN 'reason' ELSE which END AND p.part = m.part
