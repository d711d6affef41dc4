-- How many goroutines waited how long for a processor over time.
--
-- Grain: one row per system, hundredth of the recording and quarter of a power of two, if it has any.
-- Cost: stored in the index.
CREATE TABLE latency_heatmap (
    system,   -- the runtime's own goroutines; they have rows of their own
    step,     -- number of the hundredth, from 0
    bin,      -- number of the quarter of a power of two
    from_ns,  -- waits of this length and longer, ns
    to_ns,    -- and shorter than this, ns
    runs      -- how many goroutines began to run after such a time
) AS
FROM latency_heatmap_of(NULL, NULL, NULL, NULL)
