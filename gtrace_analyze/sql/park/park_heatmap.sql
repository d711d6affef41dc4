-- How many waits that were how long ended when.
--
-- Grain: one row per system, reason, hundredth of the recording and quarter of a power of two, if it
-- has any.
-- Cost: stored in the index.
CREATE TABLE park_heatmap (
    system,   -- waits in the runtime's own business
    reason,   -- wait reason; NULL where not known
    step,     -- number of the hundredth, from 0
    bin,      -- number of the quarter of a power of two
    from_ns,  -- waits of this length and longer, ns
    to_ns,    -- and shorter than this, ns
    waits     -- how many of them ended in that hundredth
) AS
FROM park_heatmap_of(NULL, NULL, NULL, NULL)
