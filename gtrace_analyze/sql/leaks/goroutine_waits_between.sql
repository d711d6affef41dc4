-- What waits each goroutine had behind it at t1, by place and reason, counted from t0 on: one row per
-- pid, goid, site and reason with ended, longest_ns and last_end_ts.
CREATE TEMP MACRO goroutine_waits_between(t0, t1) AS TABLE
-- By stack first: these are few, and need not be joined wait by wait.
WITH by_stack AS (
    SELECT
        pid,
        goid,
        stack_id,
        reason,
        count(*) AS ended,
        max(ts_end - ts) AS longest_ns,
        max(ts_end) AS last_end_ts
    FROM int_waits
    WHERE ended_by NOT IN ('park_undone', 'unseen')
        AND ts_end BETWEEN t0 AND t1
    GROUP BY pid, goid, stack_id, reason
)
SELECT
    w.pid,
    w.goid,
    s.site,
    w.reason,
    sum(w.ended)::BIGINT AS ended,
    max(w.longest_ns) AS longest_ns,
    max(w.last_end_ts) AS last_end_ts
FROM by_stack AS w
LEFT JOIN stacks AS s ON s.stack_id = w.stack_id
GROUP BY w.pid, w.goid, s.site, w.reason
