-- The `most` longest times that goroutines waited for a processor, for some of the periods (see
-- `selected_runnables`), and what ran instead. The columns are those of `latency_worst`.
CREATE TEMP MACRO latency_worst_of(t0, t1, goids, pattern, most) AS TABLE
WITH worst AS MATERIALIZED (
    FROM int_runnables_of(t0, t1, goids, pattern)
    WHERE NOT system
    ORDER BY dur_seen DESC, ts, goid
    LIMIT most
),
placed AS MATERIALIZED (
    SELECT
        w.pid, w.goid, w.ts, w.ts_end, w.dur, w.dur_seen, w.certain,
        int_cause_name_of(w.cause_number) AS cause,
        n.function, n.created_by, n.created_at,
        w.ts + w.dur_seen AS until, r.tid, r.cpu
    FROM worst AS w
    LEFT JOIN int_origin_names AS n ON n.origin = w.origin
    LEFT JOIN (
        SELECT pid, goid, ts, tid, cpu FROM int_runs
        WHERE state = 'running' AND goid IN (SELECT goid FROM worst)
    ) AS r ON r.pid = w.pid AND r.goid = w.goid AND r.ts = w.ts_end
),
-- The parts of the time that those cover, so that only what ran then is compared with each of them.
slice AS (
    SELECT ts AS first, greatest((ended_ts - ts) // 4096, 1) AS length, ended_ts
    FROM recording CROSS JOIN stg_recording
),
covered AS MATERIALIZED (
    SELECT DISTINCT unnest(range(
        (p.ts - s.first) // s.length, (p.until - s.first) // s.length + 1
    )) AS slice
    FROM placed AS p CROSS JOIN slice AS s
),
ran AS (
    SELECT
        i.pid,
        i.goid,
        i.tid,
        i.ts,
        coalesce(i.ts_end, s.ended_ts) AS ts_end,
        (i.ts - s.first) // s.length AS from_slice,
        (coalesce(i.ts_end, s.ended_ts) - s.first) // s.length AS to_slice
    FROM int_runs AS i
    CROSS JOIN slice AS s
    WHERE i.state = 'running'
),
-- Who ran meanwhile, on any thread.
meanwhile AS (
    SELECT
        p.pid,
        p.goid,
        p.ts,
        p.tid,
        i.goid AS other,
        i.tid AS other_tid,
        least(i.ts_end, p.until) - greatest(i.ts, p.ts) AS ns
    FROM placed AS p
    JOIN (
        FROM ran
        WHERE to_slice - from_slice > 1
            OR from_slice IN (SELECT slice FROM covered)
            OR to_slice IN (SELECT slice FROM covered)
    ) AS i ON i.pid = p.pid AND i.ts < p.until AND i.ts_end > p.ts
),
others AS (
    SELECT pid, goid, ts, other, sum(ns)::BIGINT AS ns,
        coalesce(sum(ns) FILTER (other_tid = tid), 0)::BIGINT AS same_thread_ns
    FROM meanwhile
    GROUP BY pid, goid, ts, other
),
listed AS (
    SELECT
        o.pid,
        o.goid,
        o.ts,
        sum(ns)::BIGINT AS busy_ns,
        sum(same_thread_ns)::BIGINT AS same_thread_ns,
        list(
            {'goid': other, 'function': g.function, 'ns': ns, 'same_thread_ns': same_thread_ns}
            ORDER BY same_thread_ns DESC, ns DESC, other
        )[:10] AS instead
    FROM others AS o
    LEFT JOIN goroutines AS g ON g.pid = o.pid AND g.goid = o.other
    GROUP BY o.pid, o.goid, o.ts
)
SELECT
    p.pid,
    p.goid,
    p.ts,
    p.ts_end,
    p.dur,
    p.dur_seen,
    p.cause,
    p.function,
    p.created_by,
    p.created_at,
    p.tid,
    p.cpu,
    p.certain,
    coalesce(l.busy_ns, 0) AS busy_ns,
    CASE WHEN p.tid IS NOT NULL THEN coalesce(l.same_thread_ns, 0) END AS same_thread_ns,
    coalesce(l.instead, []) AS instead
FROM placed AS p
LEFT JOIN listed AS l ON l.pid = p.pid AND l.goid = p.goid AND l.ts = p.ts
