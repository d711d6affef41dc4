-- The groups of goroutines that wait at t1, as seen from t0 on: same site, same wait reason, same
-- go statement. One row per group; the columns are those of `wait_groups`.
CREATE TEMP MACRO wait_groups_between(t0, t1) AS TABLE
WITH open AS (
    -- Those that nothing can wake stand apart from those at the same place that something can.
    SELECT
        *,
        CASE
            WHEN bool_or(reachable) OVER place THEN reachable IS NOT DISTINCT FROM false
            ELSE coalesce(bool_or(NOT reachable) OVER place, false)
        END AS lost
    FROM waits_open_at(t0, t1)
    WINDOW place AS (PARTITION BY pid, site, reason, created_at)
),
groups AS (
    SELECT
        pid,
        site,
        reason,
        created_at,
        lost,
        count(*) FILTER (NOT reachable) AS unreachable,
        any_value(created_by) AS created_by,
        any_value(start_function) AS start_function,
        bool_and(system) AS system,
        count(*) AS count,
        list(goid ORDER BY ts, goid) AS goids,
        arg_min(stack_id, ts) AS stack_id,
        max(age) AS oldest_ns,
        min(age) AS newest_ns,
        min(ts) AS oldest_ts,
        count(*) FILTER (NOT certain) AS uncertain,
        count(*) FILTER (returned > 0) AS returned,
        count(DISTINCT obj) AS objects,
        CASE WHEN count(DISTINCT obj) = 1 AND count(obj) = count(*) THEN any_value(obj) END AS obj,
        count(*) FILTER (joined_ts IS NULL) AS at_start,
        list(joined_ts ORDER BY joined_ts) FILTER (joined_ts IS NOT NULL) AS joins,
        list(joined_ts ORDER BY joined_ts)
            FILTER (joined_ts IS NOT NULL AND certain) AS certain_joins
    FROM open
    GROUP BY pid, site, reason, created_at, lost
),
history AS (
    SELECT
        i.pid,
        s.site,
        i.reason,
        g.created_at,
        count(*) AS ended,
        max(i.ts_end - i.ts) AS ended_longest_ns,
        max(i.ts_end) AS last_end_ts
    FROM int_intervals AS i
    JOIN stacks AS s ON s.stack_id = i.stack_id
    JOIN goroutines AS g ON g.pid = i.pid AND g.goid = i.goid
    WHERE i.state = 'waiting' AND i.ended_by <> 'park_undone' AND i.ts_end BETWEEN t0 AND t1
    GROUP BY ALL
)
SELECT
    g.* EXCLUDE (lost),
    s.function,
    s.file,
    s.line,
    s.frames,
    coalesce(h.ended, 0) AS ended,
    h.ended_longest_ns,
    h.last_end_ts
FROM groups AS g
LEFT JOIN stacks AS s ON s.stack_id = g.stack_id
LEFT JOIN history AS h
    ON h.pid = g.pid AND h.site IS NOT DISTINCT FROM g.site
    AND h.reason IS NOT DISTINCT FROM g.reason AND h.created_at IS NOT DISTINCT FROM g.created_at
