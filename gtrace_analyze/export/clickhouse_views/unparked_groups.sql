-- As the analyzer's `unparked_groups`; `frames` is JSON. With them, how many goroutines of the same go
-- statement wait, and how many do not.
CREATE OR REPLACE VIEW unparked_groups AS
WITH
standing AS (
    SELECT
        i.recording AS recording, i.pid AS pid, i.goid AS goid, i.ts AS ts, i.state AS state,
        i.stack_id AS own_stack, r.t0 AS t0, r.t1 AS t1
    FROM intervals AS i
    INNER JOIN spans AS r ON r.recording = i.recording
    WHERE i.state IS DISTINCT FROM 'dead'
        AND i.ts < r.t1 AND (i.ts_end IS NULL OR i.ts_end >= r.t1)
),
-- What the last snapshot since then found.
seen AS (
    SELECT
        o.recording AS recording, o.pid AS pid, o.goid AS goid, argMax(s.status, s.ts) AS status,
        argMax(tuple(s.stack_id), s.ts).1 AS seen_stack
    FROM standing AS o
    INNER JOIN snapshots AS s ON s.recording = o.recording AND s.pid = o.pid AND s.goid = o.goid
    WHERE s.ts BETWEEN o.ts AND o.t1
    GROUP BY o.recording, o.pid, o.goid
),
alive AS (
    SELECT
        o.recording AS recording, o.pid AS pid, o.goid AS goid,
        multiIf(
            o.state = 'waiting', 'waiting',
            o.state = 'syscall' OR s.status = 'syscall', 'syscall',
            o.state IS NOT NULL OR s.status IN ('running', 'runnable'), 'running',
            NULL
        ) AS doing,
        coalesce(s.seen_stack, o.own_stack) AS its_stack,
        g.created_by AS created_by, g.created_at AS created_at, g.function AS start_function,
        g.first_ts AS first_ts,
        g.first_ts <= o.t0
            OR g.ts IS NULL AND coalesce(g.first_ts <= l.seen_ts, true) AS came_before,
        least(o.t1, coalesce(p.ended_ts, o.t1)) - g.first_ts AS age
    FROM standing AS o
    INNER JOIN goroutines AS g
        ON g.recording = o.recording AND g.pid = o.pid AND g.goid = o.goid
    LEFT JOIN seen AS s ON s.recording = o.recording AND s.pid = o.pid AND s.goid = o.goid
    LEFT JOIN first_snapshots AS l ON l.recording = o.recording AND l.pid = o.pid
    LEFT JOIN processes AS p ON p.recording = o.recording AND p.pid = o.pid
    WHERE NOT g.system AND g.created_at IS NOT NULL
),
placed AS (
    SELECT a.*, if(a.doing = 'syscall', s.site, NULL) AS site
    FROM alive AS a
    LEFT JOIN stacks AS s ON s.recording = a.recording AND s.stack_id = a.its_stack
),
all_groups AS (
    SELECT
        recording, pid, site, doing, created_at,
        any(created_by) AS created_by,
        any(start_function) AS start_function,
        count() AS count,
        arraySort(groupArray((first_ts, goid, age))) AS members,
        argMin(its_stack, (first_ts, goid)) AS stack_id,
        max(age) AS oldest_ns,
        min(age) AS newest_ns,
        countIf(came_before) AS at_start
    FROM placed
    GROUP BY recording, pid, site, doing, created_at
),
groups AS (
    SELECT *,
        sumIf(count, doing IS NOT DISTINCT FROM 'waiting') OVER statement AS parked,
        sumIf(count, doing IS DISTINCT FROM 'waiting') OVER statement AS unparked
    FROM all_groups
    WINDOW statement AS (PARTITION BY recording, pid, created_at)
)
SELECT
    g.recording AS recording, g.pid AS pid, g.site AS site, g.doing AS doing,
    g.created_at AS created_at, g.created_by AS created_by, g.start_function AS start_function,
    g.count AS count, arrayMap(m -> m.2, g.members) AS goids, arrayMap(m -> m.3, g.members) AS ages,
    g.stack_id AS stack_id, g.oldest_ns AS oldest_ns, g.newest_ns AS newest_ns,
    g.at_start AS at_start, g.parked AS parked, g.unparked AS unparked, s.function AS function,
    s.file AS file, s.line AS line, s.frames AS frames
FROM groups AS g
LEFT JOIN stacks AS s ON s.recording = g.recording AND s.stack_id = g.stack_id
WHERE g.doing IS DISTINCT FROM 'waiting'
SETTINGS join_use_nulls = 1
