CREATE OR REPLACE VIEW waits AS
SELECT
    i.recording AS recording, i.pid AS pid, i.goid AS goid, i.time AS time, i.ts AS ts,
    i.ts_end AS ts_end, i.dur AS dur, i.dur_seen AS dur_seen, i.began_by AS began_by,
    i.reason AS reason, i.stack_id AS stack_id, s.site AS site, s.function AS function,
    s.file AS file, s.line AS line, i.wake AS wake, i.waker_goid AS waker_goid, i.obj AS obj,
    coalesce(s.system, false) AS system, i.certain AS certain
FROM intervals AS i
LEFT JOIN stacks AS s ON s.recording = i.recording AND s.stack_id = i.stack_id
WHERE i.state = 'waiting' AND (i.ended_by IS NULL OR i.ended_by <> 'park_undone')
SETTINGS join_use_nulls = 1;

CREATE OR REPLACE VIEW park_stats AS
WITH lengths AS (
    SELECT * EXCEPT (pid), toNullable(pid) AS pid, function AS one,
        certain AND dur IS NOT NULL AS whole
    FROM waits
),
grouped AS (
    SELECT
        recording,
        multiIf(
            grouping(obj) = 0, 'channel', grouping(site) = 0, 'stack', grouping(function) = 0,
            'function', 'reason'
        ) AS level,
        system,
        reason,
        function,
        site,
        pid,
        obj,
        min(one) AS some_function,
        countIf(whole) AS waits,
        sumIf(assumeNotNull(dur), whole) AS total_ns,
        if(
            waits = 0, NULL,
            toInt64(floor(round(quantileExactInclusiveIf(0.5)(assumeNotNull(dur), whole), 3) + 0.5))
        ) AS p50_ns,
        if(
            waits = 0, NULL,
            toInt64(floor(round(quantileExactInclusiveIf(0.9)(assumeNotNull(dur), whole), 3) + 0.5))
        ) AS p90_ns,
        if(
            waits = 0, NULL,
            toInt64(floor(round(quantileExactInclusiveIf(0.99)(assumeNotNull(dur), whole), 3) + 0.5))
        ) AS p99_ns,
        if(waits = 0, NULL, maxIf(dur, whole)) AS max_ns,
        countIf(ts_end IS NULL) AS open,
        sumIf(dur_seen, ts_end IS NULL) AS open_ns,
        if(open = 0, NULL, maxIf(dur_seen, ts_end IS NULL)) AS open_longest_ns,
        countIf(NOT certain) AS uncertain
    FROM lengths
    GROUP BY GROUPING SETS (
        (recording, system, reason), (recording, system, function),
        (recording, system, reason, function, site), (recording, system, reason, pid, obj)
    )
)
SELECT * EXCEPT (function, some_function),
    if(level = 'channel', some_function, function) AS function
FROM grouped
WHERE level <> 'channel' OR (obj IS NOT NULL AND startsWith(reason, 'chan '));

CREATE OR REPLACE VIEW runnables AS
SELECT
    i.recording AS recording, i.pid AS pid, i.goid AS goid, i.time AS time, i.ts AS ts,
    i.ts_end AS ts_end, i.dur AS dur, i.dur_seen AS dur_seen,
    toNullable(multiIf(
        i.began_by = 'create', 'created', i.began_by IN ('ready', 'inject'), 'woken',
        i.began_by = 'yield', 'yielded', i.began_by = 'syscall_lost_p', 'lost its P', 'seen'
    )) AS cause,
    g.function AS function, g.created_by AS created_by, g.created_at AS created_at,
    coalesce(g.system, false) AS system, i.certain AS certain
FROM intervals AS i
LEFT JOIN goroutines AS g
    ON g.recording = i.recording AND g.pid = i.pid AND g.goid = i.goid
WHERE i.state = 'runnable' AND i.began_by <> 'park_undone'
SETTINGS join_use_nulls = 1;

CREATE OR REPLACE VIEW latency_stats AS
SELECT
    recording,
    multiIf(
        grouping(created_at) = 0, 'site', grouping(function) = 0, 'function',
        grouping(cause) = 0, 'cause', 'all'
    ) AS level,
    system,
    cause,
    function,
    created_by,
    created_at,
    countIf(whole) AS runs,
    sumIf(assumeNotNull(dur), whole) AS total_ns,
    if(
        runs = 0, NULL,
        toInt64(floor(round(quantileExactInclusiveIf(0.5)(assumeNotNull(dur), whole), 3) + 0.5))
    ) AS p50_ns,
    if(
        runs = 0, NULL,
        toInt64(floor(round(quantileExactInclusiveIf(0.9)(assumeNotNull(dur), whole), 3) + 0.5))
    ) AS p90_ns,
    if(
        runs = 0, NULL,
        toInt64(floor(round(quantileExactInclusiveIf(0.99)(assumeNotNull(dur), whole), 3) + 0.5))
    ) AS p99_ns,
    if(runs = 0, NULL, maxIf(dur, whole)) AS max_ns,
    countIf(ts_end IS NULL) AS open,
    if(open = 0, NULL, maxIf(dur_seen, ts_end IS NULL)) AS open_longest_ns
FROM (SELECT *, certain AND dur IS NOT NULL AS whole FROM runnables)
GROUP BY GROUPING SETS (
    (recording, system), (recording, system, cause), (recording, system, function),
    (recording, system, function, created_by, created_at)
);

CREATE OR REPLACE VIEW wait_groups AS
WITH
ended AS (
    SELECT recording, pid, goid, site, reason, count() AS ended, max(dur) AS longest_ns,
        max(ts_end) AS last_end_ts
    FROM waits
    WHERE ts_end IS NOT NULL
    GROUP BY recording, pid, goid, site, reason
),
searched AS (
    SELECT s.recording AS recording, s.pid AS pid, s.goid AS goid,
        argMax(s.reachable, s.ts) AS reachable
    FROM snapshots AS s
    INNER JOIN waits AS w ON w.recording = s.recording AND w.pid = s.pid AND w.goid = s.goid
    WHERE w.ts_end IS NULL AND s.ts >= w.ts AND s.reachable IS NOT NULL
    GROUP BY s.recording, s.pid, s.goid
),
standing AS (
    SELECT w.recording AS recording, w.pid AS pid, w.goid AS goid, w.ts AS ts, w.dur_seen AS
        dur_seen, w.reason AS reason, w.site AS site, w.function AS function, w.file AS
        file, w.line AS line, w.obj AS obj, w.certain AS certain, g.created_by AS
        created_by, g.created_at AS created_at,
        g.function AS start_function, g.system AS system_goroutine,
        coalesce(e.ended, 0) AS returned, r.reachable AS reachable
    FROM waits AS w
    INNER JOIN goroutines AS g
        ON g.recording = w.recording AND g.pid = w.pid AND g.goid = w.goid
    LEFT JOIN ended AS e
        ON e.recording = w.recording AND e.pid = w.pid AND e.goid = w.goid AND e.site = w.site
        AND e.reason IS NOT DISTINCT FROM w.reason
    LEFT JOIN searched AS r
        ON r.recording = w.recording AND r.pid = w.pid AND r.goid = w.goid
    WHERE w.ts_end IS NULL
),
judged AS (
    SELECT *,
        if(
            countIf(reachable) OVER place > 0, coalesce(NOT reachable, false),
            countIf(NOT reachable) OVER place > 0
        ) AS lost
    FROM standing
    WINDOW place AS (PARTITION BY recording, pid, site, reason, created_at)
),
history AS (
    SELECT e.recording AS recording, e.pid AS pid, e.site AS site, e.reason AS reason,
        g.created_at AS created_at, sum(e.ended) AS ended, max(e.longest_ns) AS longest_ns
    FROM ended AS e
    INNER JOIN goroutines AS g
        ON g.recording = e.recording AND g.pid = e.pid AND g.goid = e.goid
    GROUP BY e.recording, e.pid, e.site, e.reason, g.created_at
),
groups AS (
    SELECT
        recording, pid, site, reason, created_at, lost,
        countIf(NOT reachable) AS unreachable,
        any(created_by) AS created_by,
        min(system_goroutine) AS system,
        count() AS count,
        arrayMap(pair -> pair.2, arraySort(groupArray((ts, goid)))) AS goids,
        max(dur_seen) AS oldest_ns,
        min(dur_seen) AS newest_ns,
        countIf(NOT certain) AS uncertain,
        countIf(returned > 0) AS returned,
        uniqExact(obj) AS objects,
        any(function) AS function,
        any(file) AS file,
        any(line) AS line
    FROM judged
    GROUP BY recording, pid, site, reason, created_at, lost
)
SELECT
    g.recording AS recording, g.pid AS pid, g.site AS site, g.reason AS reason, g.created_at AS
    created_at, g.unreachable AS unreachable, g.created_by AS created_by, g.system AS system,
    g.count AS count, g.goids AS goids, g.oldest_ns AS oldest_ns, g.newest_ns AS newest_ns,
    g.uncertain AS uncertain, g.returned AS returned, g.objects AS objects, g.function AS
    function, g.file AS file, g.line AS line,
    coalesce(h.ended, 0) AS ended, h.longest_ns AS ended_longest_ns
FROM groups AS g
LEFT JOIN history AS h
    ON h.recording = g.recording AND h.pid = g.pid AND h.site IS NOT DISTINCT FROM g.site
    AND h.reason IS NOT DISTINCT FROM g.reason
    AND h.created_at IS NOT DISTINCT FROM g.created_at
SETTINGS join_use_nulls = 1
