-- The recorder's own figures.
--
-- Grain: one row per second of recording.
-- Cost: reads one small file.
CREATE TEMP VIEW stg_health (
    ts,               -- end of the second, ns
    events,           -- events written
    lost_ring,        -- events lost because the ring was full
    lost_stack,       -- stacks that could not be taken or kept
    read_faults,      -- fields of the target's memory that could not be read
    ring_fill,        -- fullest the ring was found, 0 to 1
    bytes_written,    -- bytes written to disk
    cpu_ns,           -- processor time of the recorder, ns
    rss_bytes,        -- resident memory of the recorder, bytes
    live_goroutines,  -- alive as counted from events; NULL where the plan cannot tell
    probes_on         -- probes were attached at the end of the second
) AS
SELECT
    ts,
    events,
    lost_ring,
    lost_stack,
    read_faults,
    ring_fill,
    bytes_written,
    cpu_ns,
    rss_bytes,
    live_goroutines,
    probes_on
FROM raw_health
