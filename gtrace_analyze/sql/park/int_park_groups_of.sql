-- The rows of `int_park_parts_at` in `parts`, one row for each group; the columns are those of
-- `park_stats` as far as they are known of the waits that ended, but function_number (see `int_sites`),
-- and quantiles, a list of p50, p90 and p99.
CREATE TEMP MACRO int_park_groups_of(parts) AS TABLE
SELECT
    level,
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
FROM query_table(parts) AS p
GROUP BY level, system, reason, p.function_number, site, pid, obj
