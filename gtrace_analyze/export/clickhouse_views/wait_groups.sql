-- As the analyzer's `wait_groups`; `frames` is JSON.
CREATE OR REPLACE VIEW wait_groups AS
WITH
waiting AS (
    SELECT
        i.recording AS recording, i.pid AS pid, i.goid AS goid, i.ts AS ts, i.ts_end AS ts_end,
        i.began_by AS began_by, coalesce(i.ended_by, '') AS ended_by, i.reason AS reason,
        i.stack_id AS stack_id, i.obj AS obj, s.site AS site, r.t0 AS t0, r.t1 AS t1,
        i.certain OR (i.ts_end IS NOT NULL AND i.ts_end > r.t1) AS certain,
        coalesce(i.reason LIKE 'sync.%Mutex%', false) AND i.obj IS NOT NULL AS of_lock
    FROM intervals AS i
    INNER JOIN spans AS r ON r.recording = i.recording
    LEFT JOIN stacks AS s ON s.recording = i.recording AND s.stack_id = i.stack_id
    WHERE i.state = 'waiting'
),
ended AS (
    SELECT recording, pid, goid, site, reason, count() AS ended, max(ts_end - ts) AS longest_ns,
        max(ts_end) AS last_end_ts
    FROM waiting
    WHERE ended_by NOT IN ('', 'park_undone', 'unseen') AND ts_end BETWEEN t0 AND t1
    GROUP BY recording, pid, goid, site, reason
),
-- When somebody last got each lock that had been waited for.
locks AS (
    SELECT recording, pid, obj, max(ts_end) AS got_ts
    FROM waiting
    WHERE of_lock AND ts_end BETWEEN t0 AND t1
    GROUP BY recording, pid, obj
),
open AS (
    SELECT * FROM waiting WHERE ts < t1 AND (ts_end IS NULL OR ts_end > t1)
),
searched AS (
    SELECT o.recording AS recording, o.pid AS pid, o.goid AS goid, min(s.reachable) AS reachable
    FROM open AS o
    INNER JOIN snapshots AS s ON s.recording = o.recording AND s.pid = o.pid AND s.goid = o.goid
    WHERE s.ts BETWEEN o.ts AND o.t1 AND s.reachable IS NOT NULL
    GROUP BY o.recording, o.pid, o.goid
),
standing AS (
    SELECT
        o.recording AS recording, o.pid AS pid, o.goid AS goid, o.ts AS ts, o.reason AS reason,
        o.t0 AS t0, o.site AS site, o.stack_id AS its_stack, o.obj AS its_obj, o.certain AS certain,
        least(o.t1, coalesce(p.ended_ts, o.t1)) - o.ts AS age,
        o.of_lock AND coalesce(k.got_ts <= o.ts, true) AS shut_out,
        coalesce(e.ended, 0) AS came_back,
        -- When it came to stand here: now, or, if it returns again and again, when it was made.
        multiIf(
            e.ended > 0 AND g.ts >= o.t0, g.ts,
            e.ended IS NULL AND o.ts >= o.t0 AND o.began_by <> 'seen waiting', o.ts,
            NULL
        ) AS joined_ts,
        g.created_by AS created_by, g.created_at AS created_at, g.function AS start_function,
        g.system AS system, r.reachable AS reached, g.ts AS made_ts,
        coalesce(g.parent_goid, 0) AS maker
    FROM open AS o
    INNER JOIN goroutines AS g
        ON g.recording = o.recording AND g.pid = o.pid AND g.goid = o.goid
    LEFT JOIN processes AS p ON p.recording = o.recording AND p.pid = o.pid
    LEFT JOIN ended AS e
        ON e.recording = o.recording AND e.pid = o.pid AND e.goid = o.goid AND e.site = o.site
        AND e.reason IS NOT DISTINCT FROM o.reason
    LEFT JOIN locks AS k ON k.recording = o.recording AND k.pid = o.pid AND k.obj = o.obj
    LEFT JOIN searched AS r
        ON r.recording = o.recording AND r.pid = o.pid AND r.goid = o.goid
),
-- Those that wait for the network and the others, by what may make them kin: who made whom, and who
-- made both.
kin AS (
    SELECT recording, pid, goid, site, reason, created_at, assumeNotNull(made_ts) AS born_ts,
        coalesce(reason = 'IO wait', false) AS reads,
        arrayJoin([(1, if(reads, goid, maker)), (2, if(reads, maker, goid)), (3, maker)]) AS key
    FROM standing
    WHERE made_ts >= t0
),
near AS (
    SELECT *,
        anyLast(if(reads, goid, NULL)) OVER earlier AS reader_before,
        anyLast(if(reads, born_ts, NULL)) OVER earlier AS before_ts,
        any(if(reads, goid, NULL)) OVER later AS reader_after,
        any(if(reads, born_ts, NULL)) OVER later AS after_ts
    FROM kin
    WHERE key.2 > 0
    WINDOW
        earlier AS (
            PARTITION BY recording, pid, key ORDER BY born_ts
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ),
        later AS (
            PARTITION BY recording, pid, key ORDER BY born_ts
            ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        )
),
served AS (
    SELECT recording, pid, goid, site, reason, created_at, born_ts,
        arrayJoin(
            [(born_ts - before_ts, reader_before), (after_ts - born_ts, reader_after)]
        ) AS found,
        if(key.1 = 2, 0, found.1) AS apart, found.2 AS reader
    FROM near
    WHERE NOT reads
),
claimed AS (
    SELECT recording, pid, goid, born_ts,
        count() OVER (PARTITION BY recording, pid, reader, site, reason, created_at) AS claims
    FROM (
        SELECT * FROM served WHERE reader IS NOT NULL AND apart <= 1000000000
        ORDER BY apart, reader
        LIMIT 1 BY recording, pid, goid
    )
),
-- Of those there may be many on one connection, if that is still served.
streams AS (
    SELECT s.recording AS recording, s.pid AS pid, s.goid AS goid,
        assumeNotNull(s.made_ts) AS born_ts
    FROM standing AS s
    INNER JOIN goroutines AS c
        ON c.recording = s.recording AND c.pid = s.pid AND c.goid = s.maker
    WHERE s.made_ts >= t0 AND s.reason IS DISTINCT FROM 'IO wait' AND c.ts_end IS NULL
        AND match(
            coalesce(s.created_by, ''),
            '^(net/http\\.\\(\\*http2serverConn\\)|net/http/internal/http2\\.\\(\\*serverConn\\)|golang\\.org/x/net/http2\\.\\(\\*serverConn\\)|google\\.golang\\.org/grpc\\.\\(\\*Server\\)\\.serveStreams)\\.'
        )
),
-- Those, and what they made for themselves, as the handler of a stream does.
attending AS (
    SELECT DISTINCT recording AS a_recording, pid AS a_pid, goid AS a_goid
    FROM (
        SELECT s.recording AS recording, s.pid AS pid, s.goid AS goid,
            count() OVER (
                PARTITION BY s.recording, s.pid, s.key, s.goid = s.key, s.site, s.reason,
                    s.created_at
            ) AS siblings
        FROM (SELECT *, arrayJoin([goid, maker]) AS key FROM standing) AS s
        JOIN (
            SELECT recording, pid, goid, born_ts FROM claimed WHERE claims = 1
            UNION DISTINCT
            SELECT recording, pid, goid, born_ts FROM streams
        ) AS c
            ON c.recording = s.recording AND c.pid = s.pid AND c.goid = s.key
        WHERE s.goid = s.key
            OR s.reason IS DISTINCT FROM 'IO wait' AND s.made_ts - c.born_ts <= 1000000000
    )
    WHERE siblings = 1
),
attested AS (
    SELECT s.*, a.a_goid IS NOT NULL AS attends
    FROM standing AS s
    LEFT JOIN attending AS a
        ON a.a_recording = s.recording AND a.a_pid = s.pid AND a.a_goid = s.goid
),
-- Those that nothing can wake stand apart from those at the same place that something can.
parted AS (
    SELECT *,
        if(
            countIf(reached) OVER place > 0, coalesce(NOT reached, false),
            countIf(NOT reached) OVER place > 0
        ) AS lost
    FROM attested
    WINDOW place AS (PARTITION BY recording, pid, site, reason, created_at)
),
history AS (
    SELECT e.recording AS recording, e.pid AS pid, e.site AS site, e.reason AS reason,
        g.created_at AS created_at, sum(e.ended) AS ended, max(e.longest_ns) AS longest_ns,
        max(e.last_end_ts) AS last_end_ts, countIf(e.ended > 1) AS loops
    FROM ended AS e
    INNER JOIN goroutines AS g
        ON g.recording = e.recording AND g.pid = e.pid AND g.goid = e.goid
    GROUP BY e.recording, e.pid, e.site, e.reason, g.created_at
),
groups AS (
    SELECT
        recording, pid, site, reason, created_at, lost,
        countIf(NOT reached) AS unreachable,
        countIf(reached) AS reachable,
        any(created_by) AS created_by,
        any(start_function) AS start_function,
        min(system) AS system,
        count() AS count,
        arraySort(groupArray((ts, goid, age))) AS members,
        argMin(its_stack, ts) AS stack_id,
        max(age) AS oldest_ns,
        min(age) AS newest_ns,
        min(ts) AS oldest_ts,
        countIf(NOT certain) AS uncertain,
        countIf(came_back > 0) AS returned,
        countIf(came_back > 1) AS looping,
        uniqExact(its_obj) AS objects,
        if(objects = 1 AND count(its_obj) = count(), any(its_obj), NULL) AS obj,
        countIf(shut_out) AS passed_over,
        maxOrNullIf(age, shut_out) AS passed_over_ns,
        countIf(joined_ts IS NULL) AS at_start,
        arraySort(groupArrayIf(assumeNotNull(joined_ts), joined_ts IS NOT NULL)) AS joins,
        arraySort(
            groupArrayIf(assumeNotNull(joined_ts), joined_ts IS NOT NULL AND certain)
        ) AS certain_joins,
        countIf(attends) AS attending
    FROM parted
    GROUP BY recording, pid, site, reason, created_at, lost
)
SELECT
    g.recording AS recording, g.pid AS pid, g.site AS site, g.reason AS reason,
    g.created_at AS created_at, g.unreachable AS unreachable, g.reachable AS reachable,
    g.created_by AS created_by, g.start_function AS start_function, g.system AS system,
    g.count AS count, arrayMap(m -> m.2, g.members) AS goids, arrayMap(m -> m.3, g.members) AS ages,
    g.stack_id AS stack_id, g.oldest_ns AS oldest_ns, g.newest_ns AS newest_ns,
    g.oldest_ts AS oldest_ts, g.uncertain AS uncertain, g.returned AS returned,
    g.objects AS objects, g.obj AS obj, g.passed_over AS passed_over,
    g.passed_over_ns AS passed_over_ns, g.at_start AS at_start, g.joins AS joins,
    g.certain_joins AS certain_joins, g.attending AS attending, s.function AS function, s.file AS file, s.line AS line,
    s.frames AS frames, coalesce(h.ended, 0) AS ended, h.longest_ns AS ended_longest_ns,
    h.last_end_ts AS last_end_ts,
    -- Those that stand here are counted by `returned`.
    toInt64(coalesce(h.loops, 0)) - toInt64(sum(g.looping) OVER place) AS loops
FROM groups AS g
LEFT JOIN stacks AS s ON s.recording = g.recording AND s.stack_id = g.stack_id
LEFT JOIN history AS h
    ON h.recording = g.recording AND h.pid = g.pid AND h.site IS NOT DISTINCT FROM g.site
    AND h.reason IS NOT DISTINCT FROM g.reason
    AND h.created_at IS NOT DISTINCT FROM g.created_at
WINDOW place AS (PARTITION BY g.recording, g.pid, g.site, g.reason, g.created_at)
SETTINGS join_use_nulls = 1
