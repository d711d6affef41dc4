-- The rows of `int_latency_parts_at` in `parts`, one row for each group; the columns are those of
-- `latency_stats`, but that numbers stand for names (see `int_origins`) and quantiles is a list of p50,
-- p90 and p99.
CREATE TEMP MACRO int_latency_groups_of(parts) AS TABLE
SELECT
    level,
    system,
    int_cause_name_of(cause_number) AS cause,
    function_number,
    origin,
    coalesce(sum(runs) FILTER (certain AND ended), 0)::BIGINT AS runs,
    coalesce(sum(total_ns) FILTER (certain AND ended), 0)::BIGINT AS total_ns,
    any_value(quantiles) FILTER (certain AND ended) AS quantiles,
    max(longest_ns) FILTER (certain AND ended) AS max_ns,
    coalesce(sum(runs) FILTER (NOT ended), 0)::BIGINT AS open,
    max(longest_ns) FILTER (NOT ended) AS open_longest_ns,
    coalesce(sum(runs) FILTER (NOT certain), 0)::BIGINT AS uncertain
FROM query_table(parts) AS p
GROUP BY level, system, cause_number, function_number, origin
