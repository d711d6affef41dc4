-- Where goroutines are made, and what became of them from t0 to t1. The columns are those of
-- `creation_sites` without times; "at the start" is t0, "at the end" is t1.
CREATE TEMP MACRO creation_sites_between(t0, t1) AS TABLE
WITH origins AS (
    SELECT
        g.*,
        g.first_ts <= t0 OR is_at_start(g.ts, g.first_ts, s.ts) AS at_start,
        coalesce(g.ts_end <= t1, false) AS gone
    FROM selected_goroutines(t0, t1, NULL, NULL) AS g
    LEFT JOIN int_first_snapshots AS s ON s.pid = g.pid
)
SELECT
    created_at,
    created_by,
    function,
    system,
    count(*) FILTER (at_start) AS at_start,
    count(*) FILTER (NOT at_start) AS created,
    count(*) FILTER (gone) AS ended,
    count(*) FILTER (NOT gone) AS live
FROM origins
GROUP BY created_at, created_by, function, system
