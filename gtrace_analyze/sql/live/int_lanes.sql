-- Creation sites of the program, and the 32 goroutines of each that lived longest: what a timeline shows
-- unless it is asked for others.
--
-- Grain: one row per process, go statement and start function.
-- Cost: stored in the index.
CREATE TABLE int_lanes (
    pid,         -- process
    created_by,  -- function that contains the go statement; NULL where not known
    created_at,  -- file:line of the go statement; NULL where not known
    function,    -- start function; NULL where not known
    total,       -- goroutines that it made
    lived,       -- how long those lived, together, ns
    goids        -- those that lived longest, the longest first
) AS
WITH program AS (
    FROM goroutines WHERE NOT system
)
FROM int_lanes_of('program', getvariable('started_ts'), getvariable('ended_ts'), 32)
