-- As the analyzer's `waits`, of what was loaded.
CREATE OR REPLACE VIEW waits AS
SELECT
    i.recording AS recording, i.pid AS pid, i.goid AS goid, i.time AS time, i.ts AS ts,
    i.ts_end AS ts_end, i.dur AS dur, i.dur_seen AS dur_seen, i.began_by AS began_by,
    i.ended_by AS ended_by, i.reason AS reason, i.stack_id AS stack_id, s.site AS site,
    s.function AS function, s.file AS file, s.line AS line, i.wake AS wake,
    i.waker_goid AS waker_goid, i.obj AS obj, coalesce(s.system, false) AS system,
    i.certain AS certain
FROM intervals AS i
INNER JOIN recording AS r ON r.recording = i.recording
LEFT JOIN stacks AS s ON s.recording = i.recording AND s.stack_id = i.stack_id
WHERE i.state = 'waiting' AND (i.ended_by IS NULL OR i.ended_by <> 'park_undone')
    AND i.ts < coalesce(r.to_ts, i.ts + 1)
    AND (i.ts_end IS NULL OR i.ts_end > coalesce(r.from_ts, i.ts_end - 1))
SETTINGS join_use_nulls = 1
