-- The rows of `int_waits_of` in `source`, counted and measured by what `which` level of `park_stats`
-- groups them by, and by whether they ended and are certain: `int_park_groups_of` makes one row of
-- these. At level channel first_function is the first function_number in order of names.
CREATE TEMP MACRO int_park_parts_at(source, which) AS TABLE
SELECT
    which AS level,
    system,
    CASE WHEN which <> 'function' THEN reason END AS reason,
    CASE WHEN which IN ('function', 'stack') THEN function_number END AS function_number,
    CASE WHEN which = 'stack' THEN site END AS site,
    CASE WHEN which = 'channel' THEN pid END AS pid,
    CASE WHEN which = 'channel' THEN obj END AS obj,
    certain,
    ts_end IS NOT NULL AS ended,
    CASE WHEN which = 'channel' THEN min(function_number) END AS first_function,
    count(*) AS waits,
    sum(dur_seen)::BIGINT AS total_ns,
    max(dur_seen) AS longest_ns,
    quantile_cont(dur_seen, [0.5, 0.9, 0.99]) AS quantiles
FROM query_table(source)
WHERE which <> 'channel' OR (obj IS NOT NULL AND starts_with(reason::VARCHAR, 'chan '))
GROUP BY
    system,
    CASE WHEN which <> 'function' THEN reason END,
    CASE WHEN which IN ('function', 'stack') THEN function_number END,
    CASE WHEN which = 'stack' THEN site END,
    CASE WHEN which = 'channel' THEN pid END,
    CASE WHEN which = 'channel' THEN obj END,
    certain,
    ts_end IS NOT NULL
