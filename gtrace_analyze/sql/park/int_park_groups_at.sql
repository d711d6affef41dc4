-- The rows of `int_waits_of` in `source`, counted and measured by what `which` level of `park_stats`
-- groups them by; the columns are those of `park_stats` as far as they are known of the waits that
-- ended, but function_number (see `int_sites`; at level channel the first in order of names), and
-- quantiles, a list of p50, p90 and p99.
CREATE TEMP MACRO int_park_groups_at(source, which) AS TABLE
SELECT
    which AS level,
    system,
    CASE WHEN which <> 'function' THEN reason END AS reason,
    coalesce(
        CASE WHEN which IN ('function', 'stack') THEN function_number END,
        CASE WHEN which = 'channel' THEN min(function_number) END
    ) AS function_number,
    CASE WHEN which = 'stack' THEN site END AS site,
    CASE WHEN which = 'channel' THEN pid END AS pid,
    CASE WHEN which = 'channel' THEN obj END AS obj,
    count(dur) FILTER (certain) AS waits,
    coalesce(sum(dur) FILTER (certain), 0)::BIGINT AS total_ns,
    quantile_cont(dur, [0.5, 0.9, 0.99]) FILTER (certain) AS quantiles,
    max(dur) FILTER (certain) AS max_ns,
    count(*) FILTER (ts_end IS NULL) AS open,
    coalesce(sum(dur_seen) FILTER (ts_end IS NULL), 0)::BIGINT AS open_ns,
    max(dur_seen) FILTER (ts_end IS NULL) AS open_longest_ns,
    count(*) FILTER (NOT certain) AS uncertain
FROM query_table(source)
WHERE which <> 'channel' OR (obj IS NOT NULL AND starts_with(reason::VARCHAR, 'chan '))
GROUP BY
    system,
    CASE WHEN which <> 'function' THEN reason END,
    CASE WHEN which IN ('function', 'stack') THEN function_number END,
    CASE WHEN which = 'stack' THEN site END,
    CASE WHEN which = 'channel' THEN pid END,
    CASE WHEN which = 'channel' THEN obj END
