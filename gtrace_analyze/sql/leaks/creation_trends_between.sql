-- How the goroutines of each go statement became more or fewer from t0 to t1; one row per process and
-- go statement. The columns are those of `creation_trends`.
CREATE TEMP MACRO creation_trends_between(t0, t1) AS TABLE
WITH lives AS (
    SELECT
        g.pid, g.created_at, g.created_by, g.ts_end,
        g.first_ts > t0 AND NOT is_at_start(g.ts, g.first_ts, s.ts) AS made,
        CASE WHEN made THEN g.first_ts ELSE t0 END AS ts,
        coalesce(g.ts_end <= t1, false) AS gone
    FROM goroutines AS g
    LEFT JOIN int_first_snapshots AS s ON s.pid = g.pid
    WHERE NOT g.system AND g.created_at IS NOT NULL AND g.first_ts <= t1
        AND (g.ts_end IS NULL OR g.ts_end > t0)
),
sites AS (
    SELECT
        pid,
        created_at,
        any_value(created_by) AS created_by,
        count(*) FILTER (made) AS created,
        count(*) FILTER (gone) AS ended
    FROM lives
    GROUP BY pid, created_at
),
-- At 41 moments: 0 is t0, 40 is t1.
changes AS (
    SELECT pid, created_at, ceil((ts - t0) * 40.0 / greatest(t1 - t0, 1))::INTEGER AS moment,
        count(*) AS change
    FROM lives
    GROUP BY ALL
    UNION ALL
    SELECT pid, created_at, ceil((ts_end - t0) * 40.0 / greatest(t1 - t0, 1))::INTEGER, -count(*)
    FROM lives
    WHERE gone
    GROUP BY ALL
),
stepped AS (
    SELECT s.pid, s.created_at, m.moment, coalesce(sum(c.change), 0) AS change
    FROM sites AS s
    CROSS JOIN range(41) AS m (moment)
    LEFT JOIN changes AS c
        ON c.pid = s.pid AND c.created_at = s.created_at AND c.moment = m.moment
    WHERE s.created > 0
    GROUP BY ALL
),
numbers AS (
    SELECT pid, created_at, moment,
        sum(change) OVER (PARTITION BY pid, created_at ORDER BY moment) AS live
    FROM stepped
),
slopes AS (
    SELECT
        a.pid,
        a.created_at,
        median((b.live - a.live) / (b.moment - a.moment)) AS per_moment,
        avg(sign(b.live - a.live)) AS rises
    FROM numbers AS a
    JOIN numbers AS b
        ON b.pid = a.pid AND b.created_at = a.created_at AND b.moment > a.moment
    GROUP BY a.pid, a.created_at
)
SELECT
    s.pid,
    s.created_at,
    s.created_by,
    s.created,
    s.ended,
    coalesce(l.per_moment * 40e9 / greatest(t1 - t0, 1), 0) AS growth_per_s,
    coalesce(l.rises, 0) AS rises
FROM sites AS s
LEFT JOIN slopes AS l ON l.pid = s.pid AND l.created_at = s.created_at
