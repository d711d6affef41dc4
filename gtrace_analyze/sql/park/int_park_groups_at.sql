-- The rows of `int_waits_of` in `source`, counted and measured by what `which` level of `park_stats`
-- groups them by; the columns are those of `park_stats` as far as they are known of the waits that
-- ended, but function_number (see `int_sites`; at level channel the first in order of names), and
-- quantiles, a list of p50, p90 and p99.
CREATE TEMP MACRO int_park_groups_at(source, which) AS TABLE
-- By whether they ended and are certain, too: to filter each figure by that takes half as long again.
WITH measured AS (
    SELECT
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
)
SELECT
    which AS level,
    system,
    reason,
    coalesce(function_number, min(first_function)) AS function_number,
    site,
    pid,
    obj,
    coalesce(sum(waits) FILTER (certain AND ended), 0)::BIGINT AS waits,
    coalesce(sum(total_ns) FILTER (certain AND ended), 0)::BIGINT AS total_ns,
    any_value(quantiles) FILTER (certain AND ended) AS quantiles,
    max(longest_ns) FILTER (certain AND ended) AS max_ns,
    coalesce(sum(waits) FILTER (NOT ended), 0)::BIGINT AS open,
    coalesce(sum(total_ns) FILTER (NOT ended), 0)::BIGINT AS open_ns,
    max(longest_ns) FILTER (NOT ended) AS open_longest_ns,
    coalesce(sum(waits) FILTER (NOT certain), 0)::BIGINT AS uncertain
FROM measured
GROUP BY system, reason, function_number, site, pid, obj
