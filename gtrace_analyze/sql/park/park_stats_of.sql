-- How long goroutines waited, by wait reason, by function, by stack and by channel, for some of the
-- waits (see `selected_waits`). The columns are those of `park_stats`.
CREATE TEMP MACRO park_stats_of(t0, t1, goids, pattern) AS TABLE
WITH grouped AS (
    SELECT
        CASE
            WHEN grouping(obj) = 0 THEN 'channel'
            WHEN grouping(site) = 0 THEN 'stack'
            WHEN grouping(function) = 0 THEN 'function'
            ELSE 'reason'
        END AS level,
        system,
        reason,
        function,
        site,
        pid,
        obj,
        CASE WHEN grouping(site) = 0 THEN any_value(file) END AS file,
        CASE WHEN grouping(site) = 0 THEN any_value(line) END AS line,
        CASE WHEN grouping(obj) = 0 THEN min(function) END AS some_function,
        count(dur) FILTER (certain) AS waits,
        coalesce(sum(dur) FILTER (certain), 0)::BIGINT AS total_ns,
        quantile_cont(dur, [0.5, 0.9, 0.99]) FILTER (certain) AS quantiles,
        max(dur) FILTER (certain) AS max_ns,
        count(*) FILTER (ts_end IS NULL) AS open,
        coalesce(sum(dur_seen) FILTER (ts_end IS NULL), 0)::BIGINT AS open_ns,
        max(dur_seen) FILTER (ts_end IS NULL) AS open_longest_ns,
        count(*) FILTER (NOT certain) AS uncertain
    FROM selected_waits(t0, t1, goids, pattern)
    GROUP BY GROUPING SETS (
        (system, reason),
        (system, function),
        (system, reason, function, site),
        (system, reason, pid, obj)
    )
),
estimated AS (
    SELECT
        level,
        system,
        reason,
        function,
        site,
        sum(censored)::BIGINT AS censored,
        -- The product of fractions may miss by its last digits.
        min(seen_ns) FILTER (survival <= 0.5 + 1e-9) AS p50_ns,
        min(seen_ns) FILTER (survival <= 0.1 + 1e-9) AS p90_ns,
        min(seen_ns) FILTER (survival <= 0.01 + 1e-9) AS p99_ns
    FROM park_survival_of(t0, t1, goids, pattern)
    GROUP BY level, system, reason, function, site
)
SELECT
    g.level,
    g.system,
    g.reason,
    coalesce(g.function, g.some_function) AS function,
    g.site,
    g.file,
    g.line,
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
FROM grouped AS g
LEFT JOIN estimated AS e
    ON e.level = g.level
    AND e.system = g.system
    AND e.reason IS NOT DISTINCT FROM g.reason
    AND e.function IS NOT DISTINCT FROM g.function
    AND e.site IS NOT DISTINCT FROM g.site
WHERE g.level <> 'channel' OR (g.obj IS NOT NULL AND starts_with(g.reason::VARCHAR, 'chan '))
