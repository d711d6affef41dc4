-- The recording itself.
--
-- Grain: one row.
-- Cost: none.
CREATE TEMP VIEW stg_recording (
    path,         -- where it is
    plan,         -- what was watched
    status,       -- stopped, recording (still being written) or cut (the recorder died)
    started_ts,   -- first moment recorded, ns
    ended_ts,     -- last moment recorded, ns
    stop_reason,  -- why it stopped; NULL unless it was stopped
    lost_ring,    -- events lost because the ring was full
    lost_stack,   -- stacks that could not be taken or kept
    read_faults   -- fields of the target's memory that could not be read
) AS
SELECT path, plan, status, started_ts, ended_ts, stop_reason, lost_ring, lost_stack, read_faults
FROM raw_recording
