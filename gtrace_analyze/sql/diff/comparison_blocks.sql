-- What two recordings are compared by: figures of each twentieth of a recording, since only by how
-- they vary within a recording can it be told whether they differ between two.
--
-- Grain: one row per figure, what it is about and twentieth in which there is anything to tell.
-- Cost: stored in the index.
CREATE TABLE comparison_blocks (
    metric,      -- alive (at the end of the twentieth), created/s, growth/s (created less ended),
                 -- park p50, park p90, latency p50 or latency p90
    reason,      -- park: wait reason; NULL for others
    function,    -- park: where it waits; else the start function; NULL where not known
    created_by,  -- function that contains the go statement; NULL for park, and where not known
    block,       -- number of the twentieth, from 0
    n,           -- how many goroutines or waits it is computed from
    value        -- the figure: a number, 1/s, or ns
) AS
FROM comparison_blocks_of(NULL, NULL, NULL, NULL)
