-- As the analyzer's `creation_trends`: the numbers alive at 41 moments, 0 is t0 and 40 is t1.
CREATE OR REPLACE VIEW creation_trends AS
WITH
lives AS (
    SELECT
        g.recording AS recording, g.pid AS pid, g.created_at AS created_at,
        g.created_by AS created_by, s.t0 AS t0, s.t1 AS t1,
        g.first_ts > s.t0
            AND NOT (g.ts IS NULL AND coalesce(g.first_ts <= l.seen_ts, true)) AS made,
        coalesce(g.ts_end <= s.t1, false) AS gone,
        if(made, ceil((g.first_ts - s.t0) * 40 / greatest(s.t1 - s.t0, 1)), 0) AS came_at,
        ceil((coalesce(g.ts_end, s.t1) - s.t0) * 40 / greatest(s.t1 - s.t0, 1)) AS went_at
    FROM goroutines AS g
    INNER JOIN spans AS s ON s.recording = g.recording
    LEFT JOIN first_snapshots AS l ON l.recording = g.recording AND l.pid = g.pid
    WHERE NOT g.system AND g.created_at IS NOT NULL AND g.first_ts <= s.t1
        AND (g.ts_end IS NULL OR g.ts_end > s.t0)
),
sites AS (
    SELECT
        recording, pid, created_at, any(created_by) AS created_by, countIf(made) AS created,
        countIf(gone) AS ended, any(t1) - any(t0) AS length, groupArray(came_at) AS came,
        groupArrayIf(went_at, gone) AS went
    FROM lives
    GROUP BY recording, pid, created_at
),
numbers AS (
    SELECT *,
        arrayMap(
            moment -> toInt64(arrayCount(at -> at <= moment, came))
                - toInt64(arrayCount(at -> at <= moment, went)),
            range(41)
        ) AS live,
        arrayFlatten(arrayMap(a -> arrayMap(b -> (a, b), range(a + 1, 42)), range(1, 41))) AS pairs
    FROM sites
)
SELECT
    recording, pid, created_at, created_by, created, ended,
    if(
        created = 0, 0,
        arrayReduce('quantileExactInclusive(0.5)', arrayMap(
            pair -> (live[pair.2] - live[pair.1]) / (pair.2 - pair.1), pairs
        )) * 40e9 / greatest(length, 1)
    ) AS growth_per_s,
    if(
        created = 0, 0, arrayAvg(arrayMap(pair -> sign(live[pair.2] - live[pair.1]), pairs))
    ) AS rises
FROM numbers
