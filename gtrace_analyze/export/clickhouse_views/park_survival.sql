-- As the analyzer's macro `park_survival_of`: the Kaplan-Meier estimate of how long waits last.
CREATE OR REPLACE VIEW park_survival AS
WITH
each AS (
    SELECT g.recording AS recording, p.pid AS pid, g.ts AS ts, g.ts_end AS ts_end
    FROM gaps AS g
    INNER JOIN processes AS p ON p.recording = g.recording
    WHERE (g.pid IS NULL OR g.pid = p.pid) AND g.cause <> 'probes off'
),
marked AS (
    SELECT *,
        ts > max(ts_end) OVER (
            PARTITION BY recording, pid ORDER BY ts, ts_end
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS opens
    FROM each
),
numbered AS (
    SELECT *, countIf(opens) OVER (PARTITION BY recording, pid ORDER BY ts, ts_end) AS span
    FROM marked
),
merged AS (
    SELECT recording, pid, min(ts) AS ts, max(ts_end) AS ts_end
    FROM numbered
    GROUP BY recording, pid, span
),
begun AS (
    SELECT * FROM waits WHERE began_by NOT IN ('seen waiting', 'then waiting')
),
-- To the end, or to the first loss or closed recording window within.
doubtful AS (
    SELECT
        w.recording AS recording, w.system AS system, w.reason AS reason, w.function AS function,
        w.site AS site,
        multiIf(
            g.ts > w.ts AND g.ts < w.ts + w.dur_seen, g.ts - w.ts,
            w.ended_by = 'unseen', w.dur_seen,
            NULL
        ) AS seen_ns
    FROM begun AS w
    ASOF LEFT JOIN merged AS g
        ON g.recording = w.recording AND g.pid = w.pid AND w.ts < g.ts_end
    WHERE NOT w.certain
),
observations AS (
    SELECT recording, system, reason, function, site, assumeNotNull(dur_seen) AS seen_ns,
        ts_end IS NOT NULL AS over
    FROM begun
    WHERE certain
    UNION ALL
    SELECT recording, system, reason, function, site, assumeNotNull(seen_ns) AS seen_ns,
        false AS over
    FROM doubtful
    WHERE seen_ns IS NOT NULL
),
counted AS (
    SELECT
        recording,
        multiIf(grouping(site) = 0, 'stack', grouping(function) = 0, 'function', 'reason') AS level,
        system, reason, function, site,
        toInt32(floor(256 * log2(greatest(seen_ns, 1)))) AS length,
        if(countIf(over) > 0, maxIf(seen_ns, over), max(seen_ns)) AS longest_ns,
        countIf(over) AS ended,
        countIf(NOT over) AS censored
    FROM observations
    GROUP BY GROUPING SETS (
        (length, recording, system, reason), (length, recording, system, function),
        (length, recording, system, reason, function, site)
    )
),
exposed AS (
    SELECT *,
        sum(ended + censored) OVER (
            PARTITION BY recording, level, system, reason, function, site ORDER BY length DESC
        ) AS at_risk,
        sum(censored) OVER (
            PARTITION BY recording, level, system, reason, function, site
        ) AS all_censored
    FROM counted
)
SELECT
    recording, level, system, reason, function, site, longest_ns AS seen_ns, ended, censored, at_risk,
    exp(sum(log(1 - ended / at_risk)) OVER (
        PARTITION BY recording, level, system, reason, function, site ORDER BY length
    )) AS survival
FROM exposed
WHERE all_censored > 0
SETTINGS join_use_nulls = 1
