-- The recording itself.
--
-- Grain: one row.
-- Cost: none.
CREATE TEMP VIEW recording (
    path,         -- where it is
    plan,         -- what was watched
    status,       -- stopped, recording (still being written) or cut (the recorder died)
    ts,           -- first moment recorded, ns CLOCK_MONOTONIC
    ts_end,       -- last moment recorded, ns CLOCK_MONOTONIC
    dur,          -- time recorded, ns
    stop_reason   -- why it stopped; NULL unless it was stopped
) AS
SELECT path, plan, status, started_ts, ended_ts, ended_ts - started_ts, stop_reason
FROM stg_recording
