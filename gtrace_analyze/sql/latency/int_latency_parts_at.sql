-- The rows of `int_runnables_of` in `source`, counted and measured by what `which` level of
-- `latency_stats` groups them by, and by whether they ended and are certain: `int_latency_groups_of`
-- makes one row of these. Numbers stand for names (see `int_origins`).
CREATE TEMP MACRO int_latency_parts_at(source, which) AS TABLE
WITH measured AS (
    SELECT
        which AS level,
        CASE which
            WHEN 'cause' THEN cause_number
            WHEN 'function' THEN function_number
            WHEN 'site' THEN origin
            ELSE 0
        END * 8 + outcome AS part,
        count(*) AS runs,
        sum(dur_seen)::BIGINT AS total_ns,
        max(dur_seen) AS longest_ns,
        quantile_cont(dur_seen, [0.5, 0.9, 0.99]) AS quantiles
    FROM query_table(source)
    GROUP BY part
)
FROM int_latency_told_of('measured')
