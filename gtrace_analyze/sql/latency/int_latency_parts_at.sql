-- The rows of `int_runnables_of` in `source`, counted and measured by what `which` level of
-- `latency_stats` groups them by, and by whether they ended and are certain: `int_latency_groups_of`
-- makes one row of these. Numbers stand for names (see `int_origins`).
CREATE TEMP MACRO int_latency_parts_at(source, which) AS TABLE
SELECT
    which AS level,
    system,
    CASE WHEN which = 'cause' THEN cause_number END AS cause_number,
    CASE WHEN which = 'function' THEN function_number END AS function_number,
    CASE WHEN which = 'site' THEN origin END AS origin,
    certain,
    ts_end IS NOT NULL AS ended,
    count(*) AS runs,
    sum(dur_seen)::BIGINT AS total_ns,
    max(dur_seen) AS longest_ns,
    quantile_cont(dur_seen, [0.5, 0.9, 0.99]) AS quantiles
FROM query_table(source)
GROUP BY
    system,
    CASE WHEN which = 'cause' THEN cause_number END,
    CASE WHEN which = 'function' THEN function_number END,
    CASE WHEN which = 'site' THEN origin END,
    certain,
    ts_end IS NOT NULL
