-- What waits each goroutine had behind it at t1, by place and reason, counted from t0 on: one row per
-- pid, goid, site and reason with ended, longest_ns and last_end_ts.
CREATE TEMP MACRO goroutine_waits_between(t0, t1) AS TABLE
SELECT
    i.pid,
    i.goid,
    s.site,
    i.reason,
    count(*) AS ended,
    max(i.ts_end - i.ts) AS longest_ns,
    max(i.ts_end) AS last_end_ts
FROM int_waits AS i
LEFT JOIN stacks AS s ON s.stack_id = i.stack_id
WHERE i.ended_by NOT IN ('park_undone', 'unseen')
    AND i.ts_end BETWEEN t0 AND t1
GROUP BY i.pid, i.goid, s.site, i.reason
