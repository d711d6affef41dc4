-- As the analyzer's `runnables`, of what was loaded.
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
INNER JOIN recording AS r ON r.recording = i.recording
LEFT JOIN goroutines AS g
    ON g.recording = i.recording AND g.pid = i.pid AND g.goid = i.goid
WHERE i.state = 'runnable' AND i.began_by <> 'park_undone'
    AND i.ts < coalesce(r.to_ts, i.ts + 1)
    AND (i.ts_end IS NULL OR i.ts_end > coalesce(r.from_ts, i.ts_end - 1))
SETTINGS join_use_nulls = 1
