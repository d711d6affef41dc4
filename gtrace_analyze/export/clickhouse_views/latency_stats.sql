-- As the analyzer's `latency_stats`.
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
)
