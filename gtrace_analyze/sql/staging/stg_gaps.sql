-- Spans of time that were not seen whole.
--
-- Grain: one row per span.
-- Cost: stored in the index.
CREATE TABLE stg_gaps (
    pid,     -- process; NULL: all of them
    cpu,     -- processor; NULL: all of them
    ts,      -- the first moment not seen, ns
    ts_end,  -- the last moment not seen, ns
    cause,   -- why: ring full, probes off, cut, or part unreadable
    lost     -- events lost; NULL where that cannot be known
) AS
SELECT pid, cpu, ts, ts_end, cause, lost
FROM raw_gaps
