-- The first snapshot of each process.
--
-- Grain: one row per process that has one.
-- Cost: reads the snapshots.
CREATE TEMP VIEW int_first_snapshots (
    pid,       -- process
    snapshot,  -- its number
    ts         -- when its last goroutine was read, ns
) AS
SELECT g.pid, g.snapshot, max(g.ts)
FROM stg_goroutines AS g
SEMI JOIN (SELECT pid, min(snapshot) AS snapshot FROM stg_goroutines GROUP BY pid)
    USING (pid, snapshot)
GROUP BY g.pid, g.snapshot
