-- The processes recorded.
--
-- Grain: one row per process.
-- Cost: none.
CREATE TEMP VIEW stg_processes (
    pid,          -- process, as seen by the recorder
    exe,          -- its binary
    argv,         -- command line
    launched,     -- started by the recorder, hence recorded from its first goroutine
    started_ts,   -- from when on it was recorded, ns
    ended_ts,     -- when it was seen to be gone, ns; NULL if it outlived the recording
    exit_status   -- of a launched one; minus the signal's number if killed; NULL if not known
) AS
SELECT pid, exe, argv, launched, started_ts, ended_ts, exit_status
FROM raw_processes
