-- The rows of `park_stats` at one level, of the rows of `int_park_groups_of` in `groups`, and those of
-- `int_wait_lengths` for the same waits in `lengths`.
CREATE TEMP MACRO int_park_level_of(groups, lengths, which) AS TABLE
WITH estimated AS (
    SELECT
        system,
        reason,
        function_number,
        site,
        sum(censored)::BIGINT AS censored,
        -- The product of fractions may miss by its last digits.
        min(seen_ns) FILTER (survival <= 0.5 + 1e-9) AS p50_ns,
        min(seen_ns) FILTER (survival <= 0.1 + 1e-9) AS p90_ns,
        min(seen_ns) FILTER (survival <= 0.01 + 1e-9) AS p99_ns
    FROM int_park_survival_at(lengths, which)
    GROUP BY system, reason, function_number, site
)
SELECT
    g.level,
    g.system,
    g.reason::VARCHAR AS reason,
    f.function,
    g.site,
    s.file,
    s.line,
    g.pid,
    g.obj,
    g.waits,
    g.total_ns,
    round(g.quantiles[1])::BIGINT AS p50_ns,
    round(g.quantiles[2])::BIGINT AS p90_ns,
    round(g.quantiles[3])::BIGINT AS p99_ns,
    g.max_ns,
    g.open,
    g.open_ns,
    g.open_longest_ns,
    g.uncertain,
    CASE WHEN g.level <> 'channel' THEN coalesce(e.censored, 0) END AS censored,
    CASE
        WHEN e.censored > 0 THEN e.p50_ns
        WHEN g.level <> 'channel' THEN round(g.quantiles[1])::BIGINT
    END AS km50_ns,
    CASE
        WHEN e.censored > 0 THEN e.p90_ns
        WHEN g.level <> 'channel' THEN round(g.quantiles[2])::BIGINT
    END AS km90_ns,
    CASE
        WHEN e.censored > 0 THEN e.p99_ns
        WHEN g.level <> 'channel' THEN round(g.quantiles[3])::BIGINT
    END AS km99_ns
FROM query_table(groups) AS g
LEFT JOIN estimated AS e
    ON e.system = g.system
    AND e.reason IS NOT DISTINCT FROM g.reason
    AND e.function_number IS NOT DISTINCT FROM g.function_number
    AND e.site IS NOT DISTINCT FROM g.site
LEFT JOIN int_functions AS f ON f.function_number = g.function_number
LEFT JOIN stacks AS s ON s.stack_id = g.site
WHERE g.level = which
