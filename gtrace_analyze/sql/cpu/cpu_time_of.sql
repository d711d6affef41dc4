-- Running time per goroutine within the span from t0 to t1, of some goroutines, and of those whose
-- start function or go statement's function matches; NULL for an argument means no restriction. The
-- columns are those of `cpu_time`.
CREATE TEMP MACRO cpu_time_of(t0, t1, goids, pattern) AS TABLE
WITH clipped AS (
    SELECT
        pid,
        goid,
        certain,
        least(ts + dur_seen, coalesce(t1, ts + dur_seen)) - greatest(ts, coalesce(t0, ts)) AS ns
    FROM intervals
    WHERE state = 'running'
        AND (t1 IS NULL OR ts < t1)
        AND (t0 IS NULL OR ts + dur_seen > t0)
        AND (goids IS NULL OR list_contains(goids, goid))
),
summed AS (
    SELECT
        pid,
        goid,
        coalesce(sum(ns) FILTER (certain), 0)::BIGINT AS running_ns,
        count(*) FILTER (certain) AS runs,
        max(ns) FILTER (certain) AS longest_ns,
        coalesce(sum(ns) FILTER (NOT certain), 0)::BIGINT AS uncertain_ns
    FROM clipped
    GROUP BY pid, goid
)
SELECT
    s.pid,
    s.goid,
    g.function,
    g.created_by,
    g.created_at,
    coalesce(g.system, false) AS system,
    s.running_ns,
    s.runs,
    s.longest_ns,
    s.uncertain_ns
FROM summed AS s
LEFT JOIN goroutines AS g ON g.pid = s.pid AND g.goid = s.goid
WHERE pattern IS NULL
    OR regexp_matches(g.function, pattern)
    OR regexp_matches(g.created_by, pattern)
