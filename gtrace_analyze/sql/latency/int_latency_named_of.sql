-- The rows of `int_latency_groups_of` in `groups`, with names for numbers: those of `latency_stats`.
CREATE TEMP MACRO int_latency_named_of(groups) AS TABLE
SELECT
    g.level,
    g.system,
    g.cause,
    coalesce(f.function, n.function) AS function,
    n.created_by,
    n.created_at,
    g.runs,
    g.total_ns,
    round(g.quantiles[1])::BIGINT AS p50_ns,
    round(g.quantiles[2])::BIGINT AS p90_ns,
    round(g.quantiles[3])::BIGINT AS p99_ns,
    g.max_ns,
    g.open,
    g.open_longest_ns,
    g.uncertain
FROM query_table(groups) AS g
LEFT JOIN (SELECT DISTINCT function_number, function FROM int_origin_names) AS f
    ON f.function_number = g.function_number
LEFT JOIN int_origin_names AS n ON n.origin = g.origin
