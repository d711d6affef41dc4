-- Running time per goroutine within the span from t0 to t1, of some goroutines, and of those whose
-- start function or go statement's function matches; NULL for an argument means no restriction. The
-- columns are those of `cpu_time`.
CREATE TEMP MACRO cpu_time_of(t0, t1, goids, pattern) AS TABLE
WITH ran AS NOT MATERIALIZED (
    SELECT i.pid, i.goid, i.ts, i.certain, coalesce(i.ts_end, e.ended_ts) AS until_ts
    FROM int_runs AS i
    JOIN int_process_ends AS e ON e.pid = i.pid
    WHERE i.state = 'running'
        AND (t1 IS NULL OR i.ts < t1)
        AND (t0 IS NULL OR i.ts_end IS NULL OR i.ts_end > t0)
        AND (goids IS NULL OR list_contains(goids, i.goid))
),
in_syscall AS (
    SELECT DISTINCT i.pid, i.goid, i.ts
    FROM ran AS i
    JOIN stg_goroutines AS s ON s.pid = i.pid AND s.goid = i.goid
    WHERE s.status = 'syscall' AND s.ts BETWEEN i.ts AND i.until_ts
),
clipped AS (
    SELECT
        i.pid,
        i.goid,
        i.certain AND s.ts IS NULL AS certain,
        least(i.until_ts, coalesce(t1, i.until_ts)) - greatest(i.ts, coalesce(t0, i.ts)) AS ns
    FROM ran AS i
    LEFT JOIN in_syscall AS s ON s.pid = i.pid AND s.goid = i.goid AND s.ts = i.ts
    WHERE t0 IS NULL OR i.until_ts > t0
),
summed AS (
    SELECT
        pid,
        goid,
        -- Conditions within take less time than filters.
        coalesce(sum(CASE WHEN certain THEN ns END), 0)::BIGINT AS running_ns,
        count(CASE WHEN certain THEN 1 END) AS runs,
        max(CASE WHEN certain THEN ns END) AS longest_ns,
        coalesce(sum(CASE WHEN NOT certain THEN ns END), 0)::BIGINT AS uncertain_ns
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
