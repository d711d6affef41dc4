-- What is known of how long waits last, for some of the waits (see `selected_waits`): one row per
-- wait that was seen to begin. `seen_ns` is how long it lasted if `ended`, else how long it was seen
-- to last: to the end of the recording, or to the first loss or closed recording window within.
CREATE TEMP MACRO park_observations_of(t0, t1, goids, pattern) AS TABLE
SELECT system, reason, function, site, dur_seen AS seen_ns, ts_end IS NOT NULL AS ended
FROM selected_waits(t0, t1, goids, pattern)
WHERE certain AND began_by <> 'seen waiting'
UNION ALL
SELECT w.system, w.reason, w.function, w.site, g.ts - w.ts, false
FROM (
    FROM selected_waits(t0, t1, goids, pattern)
    WHERE NOT certain AND began_by <> 'seen waiting'
) AS w
ASOF JOIN int_gaps AS g ON w.pid = g.pid AND w.ts < g.ts_end
WHERE g.ts > w.ts AND g.ts < w.ts + w.dur_seen
