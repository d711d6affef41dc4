-- As the analyzer's `park_stats`.
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
        if(grouping(site) = 0, any(file), NULL) AS file,
        if(grouping(site) = 0, any(line), NULL) AS line,
        min(one) AS some_function,
        countIf(whole) AS waits,
        sumIf(assumeNotNull(dur), whole) AS total_ns,
        quantilesExactInclusiveIf(0.5, 0.9, 0.99)(assumeNotNull(dur), whole) AS quantiles,
        arrayMap(q -> if(waits = 0, NULL, toInt64(floor(round(q, 3) + 0.5))), quantiles) AS of_ended,
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
),
estimated AS (
    SELECT
        recording, level, system, reason, function, site,
        sum(censored) AS censored,
        -- The product of fractions may miss by its last digits.
        arrayMap(
            share -> arrayMin(arrayMap(
                pair -> pair.1, arrayFilter(pair -> pair.2 <= share + 1e-9, curve)
            )),
            arrayFilter(share -> arrayExists(pair -> pair.2 <= share + 1e-9, curve), [0.5, 0.1, 0.01])
        ) AS reached,
        groupArray((seen_ns, survival)) AS curve
    FROM park_survival
    GROUP BY recording, level, system, reason, function, site
)
SELECT
    g.recording AS recording, g.level AS level, g.system AS system, g.reason AS reason,
    if(g.level = 'channel', g.some_function, g.function) AS function,
    g.site AS site, g.file AS file, g.line AS line, g.pid AS pid, g.obj AS obj, g.waits AS waits,
    g.total_ns AS total_ns, g.of_ended[1] AS p50_ns, g.of_ended[2] AS p90_ns,
    g.of_ended[3] AS p99_ns, g.max_ns AS max_ns, g.open AS open, g.open_ns AS open_ns,
    g.open_longest_ns AS open_longest_ns, g.uncertain AS uncertain,
    if(g.level = 'channel', NULL, coalesce(e.censored, 0)) AS censored,
    multiIf(censored > 0, if(length(e.reached) > 0, e.reached[1], NULL),
        g.level <> 'channel', g.of_ended[1], NULL) AS km50_ns,
    multiIf(censored > 0, if(length(e.reached) > 1, e.reached[2], NULL),
        g.level <> 'channel', g.of_ended[2], NULL) AS km90_ns,
    multiIf(censored > 0, if(length(e.reached) > 2, e.reached[3], NULL),
        g.level <> 'channel', g.of_ended[3], NULL) AS km99_ns
FROM grouped AS g
LEFT JOIN estimated AS e
    ON e.recording = g.recording AND e.level = g.level AND e.system = g.system
    AND e.reason IS NOT DISTINCT FROM g.reason AND e.function IS NOT DISTINCT FROM g.function
    AND e.site IS NOT DISTINCT FROM g.site
WHERE g.level <> 'channel' OR (g.obj IS NOT NULL AND startsWith(g.reason, 'chan '))
SETTINGS join_use_nulls = 1
