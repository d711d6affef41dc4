-- The rows of `int_runnables_of` in `source`, counted and measured by what `which` level of
-- `latency_stats` groups them by; the columns are those of `latency_stats`, but that numbers stand for
-- names (see `int_origins`) and quantiles is a list of p50, p90 and p99.
CREATE TEMP MACRO int_latency_groups_at(source, which) AS TABLE
SELECT
    which AS level,
    system,
    CASE WHEN which = 'cause' THEN cause END AS cause,
    CASE WHEN which = 'function' THEN function_number END AS function_number,
    CASE WHEN which = 'site' THEN origin END AS origin,
    count(dur) FILTER (certain) AS runs,
    coalesce(sum(dur) FILTER (certain), 0)::BIGINT AS total_ns,
    quantile_cont(dur, [0.5, 0.9, 0.99]) FILTER (certain) AS quantiles,
    max(dur) FILTER (certain) AS max_ns,
    count(*) FILTER (ts_end IS NULL) AS open,
    max(dur_seen) FILTER (ts_end IS NULL) AS open_longest_ns,
    count(*) FILTER (NOT certain) AS uncertain
FROM query_table(source)
GROUP BY
    system,
    CASE WHEN which = 'cause' THEN cause END,
    CASE WHEN which = 'function' THEN function_number END,
    CASE WHEN which = 'site' THEN origin END
