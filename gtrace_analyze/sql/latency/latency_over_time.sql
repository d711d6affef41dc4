-- How long goroutines waited for a processor over time.
--
-- Grain: one row per system and hundredth of the recording in which one began to run.
-- Cost: stored in the index.
CREATE TABLE latency_over_time (
    system,    -- the runtime's own goroutines; they have rows of their own
    step,      -- number of the hundredth, from 0
    ts,        -- its begin, ns
    ts_end,    -- its end, ns
    runs,      -- times that a goroutine began to run
    p50_ns,    -- half of them had waited at most this long, ns
    p99_ns,    -- 99 of 100 of them had waited at most this long, ns
    max_ns     -- the longest, ns
) AS
FROM latency_over_time_of(NULL, NULL, NULL, NULL)
