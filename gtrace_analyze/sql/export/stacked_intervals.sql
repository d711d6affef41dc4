-- The intervals of selected goroutines within a span of time, as `selected_intervals` has them, with
-- what is known of the goroutine's stack:
--
-- * last_stack_id: the stack it had when it last waited or gave way, this interval included; NULL if
--   it did not yet; -1 if that stack was not taken;
-- * next_stack_id: the stack it has in the next interval; NULL if it ended, or none was taken.
CREATE TEMP MACRO stacked_intervals(t0, t1, goids, pattern) AS TABLE
WITH stacked AS (
    SELECT
        *,
        last_value(
            CASE
                WHEN state IN ('waiting', 'syscall')
                    OR began_by IN ('yield', 'suspend', 'syscall_lost_p', 'seen runnable')
                THEN coalesce(stack_id, -1)
            END IGNORE NULLS
        ) OVER (
            PARTITION BY pid, goid ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS last_stack_id,
        lead(stack_id) OVER (PARTITION BY pid, goid ORDER BY ts) AS next_stack_id
    -- From the beginning, since a stack may be older than the span.
    FROM selected_intervals(NULL, t1, goids, pattern)
)
SELECT
    * REPLACE (
        greatest(from_ts, coalesce(t0, from_ts)) AS from_ts,
        to_ts - greatest(from_ts, coalesce(t0, from_ts)) AS ns
    )
FROM stacked
WHERE t0 IS NULL OR to_ts >= t0
