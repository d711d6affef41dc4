-- How many goroutines of each creation site are alive, over time: a step function.
--
-- Grain: one row per creation site and 500th of the recording in which the number changed.
-- Cost: stored in the index.
CREATE TABLE live_goroutines (
    created_at,  -- file:line of the go statement; NULL where not known
    created_by,  -- function that contains it; NULL where not known
    system,      -- the runtime's own goroutines
    ts,          -- from when on, ns
    live         -- how many are alive until the site's next row
) AS
FROM live_goroutines_between(getvariable('started_ts'), getvariable('ended_ts'))
