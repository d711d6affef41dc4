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
-- Parts of the time, each as long as a power of two, of which there are some thousand.
slice AS (
    SELECT
        ts AS first,
        greatest(floor(log2(greatest(ended_ts - ts, 1)))::INTEGER - 12, 0) AS bits,
        ended_ts
    FROM recording CROSS JOIN stg_recording
),
-- Those in which begins what is no longer than one of them and ran within such a time, so that only
-- that is compared with each of those times.
covered AS MATERIALIZED (
    SELECT DISTINCT unnest(range(
        ((p.ts - s.first) >> s.bits) - 1, ((p.until - s.first) >> s.bits) + 1
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
        (i.ts - s.first) >> s.bits AS slice,
        1::BIGINT << s.bits AS length
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
        WHERE ts_end - ts > length OR slice IN (SELECT slice FROM covered)
    ) AS i ON i.pid = p.pid AND i.ts < p.until AND i.ts_end > p.ts
),
others AS (
    SELECT pid, goid, ts, other, sum(ns)::BIGINT AS ns,
        coalesce(sum(ns) FILTER (other_tid = tid), 0)::BIGINT AS same_thread_ns
    FROM meanwhile
    GROUP BY pid, goid, ts, other
),
busy AS (
    SELECT
        pid,
        goid,
        ts,
        sum(ns)::BIGINT AS busy_ns,
        sum(same_thread_ns)::BIGINT AS same_thread_ns
    FROM others
    GROUP BY pid, goid, ts
),
most_busy AS (
    FROM others
    QUALIFY row_number() OVER (
        PARTITION BY pid, goid, ts ORDER BY same_thread_ns DESC, ns DESC, other
    ) <= 10
),
listed AS (
    SELECT
        o.pid,
        o.goid,
        o.ts,
        list(
            {'goid': other, 'function': g.function, 'ns': ns, 'same_thread_ns': same_thread_ns}
            ORDER BY same_thread_ns DESC, ns DESC, other
        ) AS instead
    FROM most_busy AS o
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
    coalesce(b.busy_ns, 0) AS busy_ns,
    CASE WHEN p.tid IS NOT NULL THEN coalesce(b.same_thread_ns, 0) END AS same_thread_ns,
    coalesce(l.instead, []) AS instead
FROM placed AS p
LEFT JOIN busy AS b ON b.pid = p.pid AND b.goid = p.goid AND b.ts = p.ts
LEFT JOIN listed AS l ON l.pid = p.pid AND l.goid = p.goid AND l.ts = p.ts
