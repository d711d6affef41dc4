-- The intervals of selected goroutines (see `selected_goroutines`) within a span of time, with what
-- is known of the goroutine's stack. The columns are those of `intervals`, and
--
-- * from_ts, to_ts, ns: the part of the interval that lies within the span;
-- * open: it is not over at the end of the span;
-- * last_stack_id: the stack the goroutine had when it last waited or gave way, this interval
--   included; NULL if it did not yet; -1 if that stack was not taken;
-- * next_stack_id: the stack it has in the next interval; NULL if it ended, or none was taken.
CREATE TEMP MACRO clipped_intervals(t0, t1, goids, pattern) AS TABLE
WITH chosen AS (
    SELECT
        i.*,
        last_value(
            CASE
                WHEN i.state IN ('waiting', 'syscall')
                    OR i.began_by IN ('yield', 'suspend', 'syscall_lost_p', 'seen runnable')
                THEN coalesce(i.stack_id, -1)
            END IGNORE NULLS
        ) OVER (
            PARTITION BY i.pid, i.goid ORDER BY i.ts
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS last_stack_id,
        lead(i.stack_id) OVER (PARTITION BY i.pid, i.goid ORDER BY i.ts) AS next_stack_id
    FROM intervals AS i
    SEMI JOIN selected_goroutines(t0, t1, goids, pattern) AS g ON g.pid = i.pid AND g.goid = i.goid
    WHERE i.ts < coalesce(t1, i.ts + 1)
),
spans AS (
    SELECT
        *,
        greatest(ts, coalesce(t0, ts)) AS from_ts,
        least(ts + dur_seen, coalesce(t1, ts + dur_seen)) AS to_ts,
        ts_end IS NULL OR ts_end > t1 AS open
    FROM chosen
)
SELECT
    * EXCLUDE (open),
    greatest(to_ts - from_ts, 0) AS ns,
    coalesce(open, false) AS open
FROM spans
WHERE to_ts >= from_ts
