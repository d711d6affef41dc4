-- As `gtrace-analyze leaks --all`: what each detector finds of each group, and the verdict.
-- `findings` names the detectors; their sentences are in the table `verdicts`.
CREATE OR REPLACE VIEW leaks AS
WITH
groups AS (
    SELECT
        g.*, r.t0 AS t0, r.t1 AS t1, r.plan AS plan,
        arrayMap(f -> JSONExtractString(f, 'function'), JSONExtractArrayRaw(coalesce(frames, '[]')))
            AS functions,
        arrayMap(ts -> least(9, intDiv((ts - t0) * 10, greatest(t1 - t0, 1))), joins) AS tenths,
        arrayMap(ts -> least(9, intDiv((ts - t0) * 10, greatest(t1 - t0, 1))), certain_joins)
            AS certain_tenths,
        sum(unreachable) OVER (PARTITION BY recording, pid, site, reason, created_at) AS lost_here
    FROM wait_groups AS g
    INNER JOIN (SELECT recording AS of_recording, t0, t1, plan FROM spans) AS r
        ON r.of_recording = g.recording
),
-- Which functions groups wait in for a lock, and who is inside of those.
locked AS (
    SELECT *,
        coalesce(
            reason IN ('sync.Mutex.Lock', 'sync.RWMutex.Lock', 'sync.RWMutex.RLock'), false
        ) AS of_lock,
        groupUniqArrayIf(assumeNotNull(function), of_lock AND function IS NOT NULL) OVER room
            AS takers
    FROM groups
    WINDOW room AS (PARTITION BY recording, pid)
),
-- Who seems to hold what a group waits for: the longest waiting that is inside the same function.
held AS (
    SELECT *,
        groupArrayIf(
            (
                (oldest_ts, goids), coalesce(site, -1), arrayIntersect(functions, takers),
                coalesce(reason NOT IN ('IO wait', 'sleep'), true), oldest_ns,
                of_lock, coalesce(obj, 0), (coalesce(function, ''), coalesce(line, 0))
            ),
            hasAny(functions, takers)
        ) OVER room AS inside,
        -- Who waits for the same lock, or at the same place for one that is not known, does not.
        arraySort(arrayFilter(
            h -> h.2 <> coalesce(site, -1) AND has(h.3, coalesce(function, ''))
                AND NOT (
                    h.6 AND if(
                        h.7 <> 0 AND coalesce(obj, 0) <> 0,
                        h.7 = coalesce(obj, 0),
                        h.8 = (coalesce(function, ''), coalesce(line, 0))
                    )
                ),
            inside
        )) AS holders
    FROM locked
    WINDOW room AS (PARTITION BY recording, pid)
),
trends AS (
    SELECT recording AS of_recording, pid AS of_pid, created_at AS of_created_at,
        created >= 10 AND rises >= 0.8 AND ended * 10 <= created AS rising
    FROM creation_trends
),
looked AS (
    SELECT
        g.*,
        coalesce(g.last_end_ts > g.oldest_ts, false) AS woken_since,
        multiIf(
            g.objects > 0, g.passed_over, woken_since, 0, g.count
        ) AS kept_out,
        multiIf(
            g.objects > 0, coalesce(g.passed_over_ns, 0), woken_since, 0, g.oldest_ns
        ) AS kept_out_ns,
        g.function IS NOT NULL AND (
            countEqual(g.functions, coalesce(g.function, '')) > 1
            OR (notEmpty(g.holders) AND g.holders[1].4 AND g.holders[1].5 >= g.oldest_ns)
        ) AS holder_stuck,
        length(g.tenths) >= 5 AND length(arrayDistinct(g.tenths)) >= 4 AS grows,
        length(g.certain_tenths) >= 10 AND length(arrayDistinct(g.certain_tenths)) >= 5
            AND g.returned + g.loops = 0 AND g.attending * 10 < length(g.joins) * 9
            AS grows_surely,
        coalesce(t.rising AND g.reason IS DISTINCT FROM 'IO wait', false) AS only_more
    FROM held AS g
    LEFT JOIN trends AS t
        ON t.of_recording = g.recording AND t.of_pid = g.pid AND t.of_created_at = g.created_at
    WHERE NOT g.system
),
found AS (
    SELECT
        *,
        coalesce(start_function = 'runtime.main', false)
            OR coalesce(reason IN ('IO wait', 'sleep'), false)
            OR coalesce(function IN ('os/signal.loop', 'os/signal.signal_recv'), false)
            OR coalesce(oldest_ns <= 2 * ended_longest_ns, false) AS idle,
        if(unreachable > 0, 'leak', '') AS by_unreachable,
        if(
            coalesce(
                reason IN (
                    'chan receive (nil chan)', 'chan send (nil chan)', 'select (no cases)'
                ), false
            ) AND (uncertain < count OR plan IN ('snapshot', 'lifecycle')),
            'leak', ''
        ) AS by_forever,
        multiIf(
            NOT of_lock OR kept_out = 0 OR kept_out_ns < 1000000000, '',
            kept_out_ns >= 5000000000 AND uncertain = 0 AND holder_stuck, 'leak',
            'suspect'
        ) AS by_lock,
        if(
            unreachable = 0 AND reachable > 0 AND lost_here >= count AND NOT woken_since,
            'suspect', ''
        ) AS by_sibling,
        multiIf(grows AND grows_surely, 'leak', grows, 'suspect', '') AS by_growth,
        if(only_more AND by_growth <> 'leak', 'suspect', '') AS by_trend,
        [by_unreachable, by_forever, by_lock, by_sibling, by_growth, by_trend] AS accusations,
        idle AND by_unreachable = '' AND by_trend = '' AS excused
    FROM looked
),
-- Of those that do not wait, only the ones that become more and more.
moving AS (
    SELECT g.*, r.t0 AS t0, r.t1 AS t1
    FROM unparked_groups AS g
    INNER JOIN (SELECT recording AS at_recording, t0, t1 FROM spans) AS r
        ON r.at_recording = g.recording
    INNER JOIN trends AS t
        ON t.of_recording = g.recording AND t.of_pid = g.pid AND t.of_created_at = g.created_at
    WHERE t.rising AND g.parked * 10 <= g.unparked AND g.count * 10 >= g.unparked
)
SELECT
    recording, pid, function, file, line, created_by, created_at, reason, count, goids, oldest_ns,
    newest_ns,
    round((toInt64(count) - toInt64(at_start)) / (greatest(t1 - t0, 1) / 1e9), 3) AS growth_per_s,
    multiIf(
        excused, 'idle', has(accusations, 'leak'), 'leak', has(accusations, 'suspect'), 'suspect',
        'idle'
    ) AS verdict,
    if(
        excused, ['idle'],
        arrayFilter(
            (name, said) -> said <> '',
            ['unreachable', 'forever', 'lock', 'sibling', 'growth', 'trend'], accusations
        )
    ) AS findings,
    frames AS stack
FROM found
UNION ALL
SELECT
    recording, pid, if(frames IS NULL, start_function, function), file, line, created_by,
    created_at, doing, count, goids, oldest_ns, newest_ns,
    round((toInt64(count) - toInt64(at_start)) / (greatest(t1 - t0, 1) / 1e9), 3),
    'suspect', ['unparked'], coalesce(frames, '[]')
FROM moving
SETTINGS join_use_nulls = 1
