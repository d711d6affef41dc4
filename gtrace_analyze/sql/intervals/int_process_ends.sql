-- Until when what did not end in each process was seen to last.
--
-- Grain: one row per process with a goroutine.
-- Cost: stored in the index.
CREATE TABLE int_process_ends (
    pid,      -- process
    ended_ts  -- when it was seen to be gone, or else the recording ended, ns
) AS
SELECT c.pid, coalesce(p.ended_ts, r.ended_ts)
FROM (SELECT DISTINCT pid FROM int_cycles) AS c
LEFT JOIN stg_processes AS p ON p.pid = c.pid
CROSS JOIN stg_recording AS r
