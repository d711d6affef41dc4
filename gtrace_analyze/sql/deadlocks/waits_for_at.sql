-- Who waits for whom at t1; one row per waiting goroutine, thing and possible holder. The columns are
-- those of `waits_for`.
CREATE TEMP MACRO waits_for_at(t1) AS TABLE
WITH standing AS MATERIALIZED (
    FROM waits_open_at(t1)
),
blocked AS (
    SELECT *
    FROM standing
    WHERE reason LIKE 'sync.Mutex%' OR reason LIKE 'sync.RWMutex%' OR NOT reachable
),
-- What the last snapshot within the wait shows of it.
seen AS (
    SELECT
        b.pid,
        b.goid,
        arg_max(coalesce([s.obj], s.select_objs, []), s.ts) AS objs,
        arg_max(coalesce(s.refers, []), s.ts) AS refers
    FROM standing AS b
    JOIN stg_goroutines AS s ON s.pid = b.pid AND s.goid = b.goid AND s.ts BETWEEN b.ts AND t1
    GROUP BY b.pid, b.goid
),
-- Goroutines that do not wait may hold something, too.
others AS (
    SELECT s.pid, s.goid, arg_max(coalesce(s.refers, []), s.ts) AS refers
    FROM stg_goroutines AS s
    WHERE s.ts <= t1
    GROUP BY s.pid, s.goid
    HAVING arg_max(s.snapshot, s.ts) = (SELECT max(snapshot) FROM stg_goroutines WHERE ts <= t1)
),
things AS (
    SELECT pid, goid, unnest(objs) AS obj
    FROM seen
    UNION
    SELECT pid, goid, obj FROM blocked WHERE obj IS NOT NULL
),
holders AS (
    SELECT pid, goid, unnest(refers) AS obj
    FROM (
        SELECT pid, goid, refers FROM seen
        UNION ALL
        FROM others ANTI JOIN seen USING (pid, goid)
    )
),
-- Who waits for a thing itself does not hold it up.
possible AS (
    FROM holders ANTI JOIN things USING (pid, goid, obj)
)
SELECT
    b.pid,
    b.goid,
    b.reason,
    b.ts,
    b.age,
    NOT coalesce(b.reachable, true) AS proven,
    b.certain,
    b.stack_id,
    t.obj,
    EXISTS (FROM holders AS h WHERE h.pid = t.pid AND h.obj = t.obj) AS searched,
    p.goid AS holder_goid,
    w.reason AS holder_reason
FROM blocked AS b
LEFT JOIN things AS t ON t.pid = b.pid AND t.goid = b.goid
LEFT JOIN possible AS p ON p.pid = t.pid AND p.obj = t.obj
LEFT JOIN standing AS w ON w.pid = p.pid AND w.goid = p.goid
