-- What is known of how long waits last, for the rows of `int_waits_of` in `source`: one row per wait
-- that was seen to begin. `seen_ns` is how long it lasted if `ended`, else how long it was seen
-- to last: to the end of the recording, or to the first loss or closed recording window within.
-- `part` is by_stack of `int_wait_shapes`.
CREATE TEMP MACRO int_park_observations_of(source) AS TABLE
WITH begun AS (
    FROM query_table(source)
    WHERE began_by NOT IN ('seen waiting', 'then waiting')
)
SELECT by_stack AS part, dur_seen AS seen_ns, ts_end IS NOT NULL AS ended
FROM begun
WHERE certain
UNION ALL
SELECT by_stack, seen_ns, false
FROM (
    SELECT
        w.*,
        CASE
            WHEN g.ts > w.ts AND g.ts < w.ts + w.dur_seen THEN g.ts - w.ts
            WHEN w.ended_by = 'unseen' THEN w.dur_seen
        END AS seen_ns
    FROM (FROM begun WHERE NOT certain) AS w
    ASOF LEFT JOIN int_gaps AS g ON w.pid = g.pid AND w.ts < g.ts_end
)
WHERE seen_ns IS NOT NULL
