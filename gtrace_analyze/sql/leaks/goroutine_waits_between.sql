-- What waits each goroutine had behind it at t1, by place and reason, counted from t0 on: one row per
-- pid, goid, site and reason with ended, longest_ns and last_end_ts.
CREATE TEMP MACRO goroutine_waits_between(t0, t1) AS TABLE
SELECT
    pid,
    goid,
    site,
    reason,
    count(*) AS ended,
    max(dur) AS longest_ns,
    max(ts_end) AS last_end_ts
FROM int_numbered_waits
WHERE ended_by <> 'unseen' AND ts_end BETWEEN t0 AND t1
GROUP BY pid, goid, site, reason
