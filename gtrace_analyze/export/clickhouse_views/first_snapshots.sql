-- When the last goroutine of each process's first snapshot was read: those that were there when the
-- recording began are found by then.
CREATE OR REPLACE VIEW first_snapshots AS
SELECT recording, pid, toNullable(argMin(read_ts, snapshot)) AS seen_ts
FROM (
    SELECT recording, pid, snapshot, max(ts) AS read_ts
    FROM snapshots
    GROUP BY recording, pid, snapshot
)
GROUP BY recording, pid
