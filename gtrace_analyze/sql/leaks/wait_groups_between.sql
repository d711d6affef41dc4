-- The groups of goroutines that wait at t1, as seen from t0 on: same site, same wait reason, same
-- go statement. One row per group; the columns are those of `wait_groups`.
CREATE TEMP MACRO wait_groups_between(t0, t1) AS TABLE
WITH ended AS (
    FROM goroutine_waits_between(t0, t1)
),
-- When somebody last got each lock that had been waited for.
locks AS (
    SELECT pid, obj, max(ts_end) AS got_ts
    FROM int_waits
    WHERE reason::VARCHAR LIKE 'sync.%Mutex%' AND obj IS NOT NULL
        AND ts_end BETWEEN t0 AND t1
    GROUP BY pid, obj
),
-- Since when each stood at a place, though nobody knows whether all the time: the waits there whose
-- end was not seen.
cut AS (
    SELECT i.pid, i.goid, s.site, i.reason, min(i.ts) AS ts, arg_min(i.began_by, i.ts) AS began_by
    FROM int_waits AS i
    LEFT JOIN stacks AS s ON s.stack_id = i.stack_id
    WHERE i.ended_by = 'unseen' AND i.ts_end <= t1
    GROUP BY ALL
),
standing AS (
    FROM waits_open_at(t1)
),
network AS (
    SELECT pid, goid, parent_goid, created_ts
    FROM standing
    WHERE reason = 'IO wait' AND created_ts >= t0
),
others AS (
    SELECT pid, goid, parent_goid, created_ts, site, reason, created_at, created_by
    FROM standing
    WHERE reason IS DISTINCT FROM 'IO wait' AND created_ts >= t0
),
served AS (
    SELECT o.*, n.goid AS reader, abs(o.created_ts - n.created_ts) AS apart
    FROM others AS o
    JOIN network AS n ON n.pid = o.pid AND n.goid = o.parent_goid
    UNION ALL
    SELECT o.*, n.goid, 0
    FROM others AS o
    JOIN network AS n ON n.pid = o.pid AND n.parent_goid = o.goid
    UNION ALL
    SELECT o.*, n.goid, o.created_ts - n.created_ts
    FROM others AS o
    ASOF JOIN network AS n
        ON n.pid = o.pid AND n.parent_goid = o.parent_goid AND o.created_ts >= n.created_ts
    UNION ALL
    SELECT o.*, n.goid, n.created_ts - o.created_ts
    FROM others AS o
    ASOF JOIN network AS n
        ON n.pid = o.pid AND n.parent_goid = o.parent_goid AND o.created_ts <= n.created_ts
),
nearest AS (
    FROM served
    WHERE apart <= 1_000_000_000
    QUALIFY row_number() OVER (PARTITION BY pid, goid ORDER BY apart, reader) = 1
),
claimed AS (
    SELECT pid, goid, created_ts
    FROM nearest
    -- Whoever makes one for each request may have made many.
    QUALIFY count(*) OVER (PARTITION BY pid, reader, site, reason, created_at) = 1
),
-- Of those there may be many on one connection, if that is still served.
streams AS (
    SELECT o.pid, o.goid, o.created_ts
    FROM others AS o
    JOIN goroutines AS c ON c.pid = o.pid AND c.goid = o.parent_goid
    WHERE is_stream_maker(o.created_by) AND (c.ts_end IS NULL OR c.ts_end > t1)
),
clients AS (
    FROM claimed UNION FROM streams
),
attending AS (
    SELECT pid, goid
    FROM clients
    UNION
    -- What those made for themselves, as the handler of a stream does.
    SELECT o.pid, o.goid
    FROM others AS o
    JOIN clients AS c ON c.pid = o.pid AND c.goid = o.parent_goid
    WHERE o.created_ts - c.created_ts <= 1_000_000_000
    QUALIFY count(*) OVER (PARTITION BY o.pid, o.parent_goid, o.site, o.reason, o.created_at) = 1
),
open AS (
    SELECT
        o.*,
        a.goid IS NOT NULL AS attending,
        c.ts IS NOT NULL AND getvariable('has_gaps') AS doubtful,
        o.reason::VARCHAR LIKE 'sync.%Mutex%' AND o.obj IS NOT NULL
            AND coalesce(k.got_ts <= o.ts, true) AS passed_over,
        coalesce(e.ended, 0) AS returned,
        -- When it came to stand here: now, or, if it returns here again and again, when it was made.
        CASE
            WHEN e.ended > 0 AND o.created_ts >= t0 THEN o.created_ts
            WHEN e.ended IS NULL AND coalesce(c.ts, o.ts) >= t0
                AND coalesce(c.began_by::VARCHAR, o.began_by) <> 'seen waiting'
            THEN coalesce(c.ts, o.ts)
        END AS joined_ts,
        -- Those that nothing can wake stand apart from those at the same place that something can.
        CASE
            WHEN bool_or(o.reachable) OVER place THEN o.reachable IS NOT DISTINCT FROM false
            ELSE coalesce(bool_or(NOT o.reachable) OVER place, false)
        END AS lost
    FROM standing AS o
    LEFT JOIN attending AS a ON a.pid = o.pid AND a.goid = o.goid
    LEFT JOIN ended AS e
        ON e.pid = o.pid AND e.goid = o.goid AND e.site = o.site
        AND e.reason IS NOT DISTINCT FROM o.reason
    LEFT JOIN cut AS c
        ON c.pid = o.pid AND c.goid = o.goid AND c.site = o.site
        AND c.reason::VARCHAR IS NOT DISTINCT FROM o.reason
    LEFT JOIN locks AS k ON k.pid = o.pid AND k.obj = o.obj
    WINDOW place AS (PARTITION BY o.pid, o.site, o.reason, o.created_at)
),
groups AS (
    SELECT
        pid,
        site,
        reason,
        created_at,
        lost,
        count(*) FILTER (NOT reachable) AS unreachable,
        count(*) FILTER (reachable) AS reachable,
        any_value(created_by) AS created_by,
        any_value(start_function) AS start_function,
        bool_and(system) AS system,
        count(*) AS count,
        list(goid ORDER BY ts, goid) AS goids,
        list(age ORDER BY ts, goid) AS ages,
        first(stack_id ORDER BY ts, goid) FILTER (stack_id IS NOT NULL) AS stack_id,
        max(age) AS oldest_ns,
        min(age) AS newest_ns,
        min(ts) AS oldest_ts,
        count(*) FILTER (NOT certain) AS uncertain,
        count(*) FILTER (returned > 0) AS returned,
        count(*) FILTER (returned > 1) AS looping,
        count(DISTINCT obj) AS objects,
        CASE WHEN count(DISTINCT obj) = 1 AND count(obj) = count(*) THEN any_value(obj) END AS obj,
        count(*) FILTER (passed_over) AS passed_over,
        max(age) FILTER (passed_over) AS passed_over_ns,
        count(*) FILTER (joined_ts IS NULL) AS at_start,
        list(joined_ts ORDER BY joined_ts) FILTER (joined_ts IS NOT NULL) AS joins,
        list(CASE WHEN returned > 0 THEN joined_ts ELSE ts END ORDER BY joined_ts)
            FILTER (joined_ts IS NOT NULL AND certain AND NOT doubtful) AS certain_joins,
        count(*) FILTER (attending) AS attending
    FROM open
    GROUP BY pid, site, reason, created_at, lost
),
history AS (
    SELECT
        e.pid,
        e.site,
        e.reason,
        g.created_at,
        sum(e.ended)::BIGINT AS ended,
        max(e.longest_ns) AS ended_longest_ns,
        max(e.last_end_ts) AS last_end_ts,
        count(*) FILTER (e.ended > 1) AS loops
    FROM ended AS e
    JOIN goroutines AS g ON g.pid = e.pid AND g.goid = e.goid
    GROUP BY e.pid, e.site, e.reason, g.created_at
)
SELECT
    g.* EXCLUDE (lost, looping),
    s.function,
    s.file,
    s.line,
    s.frames,
    coalesce(h.ended, 0) AS ended,
    h.ended_longest_ns,
    h.last_end_ts,
    -- Those that stand here are counted by `returned`.
    coalesce(h.loops, 0) - (sum(g.looping) OVER place)::BIGINT AS loops
FROM groups AS g
LEFT JOIN stacks AS s ON s.stack_id = g.stack_id
LEFT JOIN history AS h
    ON h.pid = g.pid AND h.site IS NOT DISTINCT FROM g.site
    AND h.reason IS NOT DISTINCT FROM g.reason AND h.created_at IS NOT DISTINCT FROM g.created_at
WINDOW place AS (PARTITION BY g.pid, g.site, g.reason, g.created_at)
