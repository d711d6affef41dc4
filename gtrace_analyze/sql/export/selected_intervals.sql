-- The intervals of selected goroutines (see `selected_goroutines`) within a span of time. The columns
-- are those of `intervals`, and
--
-- * from_ts, to_ts, ns: the part of the interval that lies within the span;
-- * open: it is not over at the end of the span.
CREATE TEMP MACRO selected_intervals(t0, t1, goids, pattern) AS TABLE
WITH spans AS (
    SELECT
        i.*,
        greatest(i.ts, coalesce(t0, i.ts)) AS from_ts,
        least(i.ts + i.dur_seen, coalesce(t1, i.ts + i.dur_seen)) AS to_ts
    FROM intervals AS i
    SEMI JOIN selected_goroutines(t0, t1, goids, pattern) AS g ON g.pid = i.pid AND g.goid = i.goid
)
SELECT
    *,
    to_ts - from_ts AS ns,
    ts_end IS NULL OR (t1 IS NOT NULL AND ts_end > t1) AS open
FROM spans
WHERE to_ts >= from_ts
