-- Who waits for whom at the end of the recording: goroutines that wait for a lock, or for anything if
-- nothing that can run refers to it, and those that may hold it, since their stacks point at it.
--
-- Grain: one row per waiting goroutine, thing it waits on, and possible holder.
-- Cost: reads the snapshots.
CREATE TABLE waits_for (
    pid,            -- process
    goid,           -- who waits
    reason,         -- wait reason in Go's words
    ts,             -- since when, ns
    age,            -- how long, ns
    proven,         -- by a search of memory, nothing can wake it
    certain,        -- nothing was lost within the wait
    stack_id,       -- where it waits; NULL if no stack was taken
    obj,            -- address of what it waits on; NULL where not known
    searched,       -- stacks were searched for who points at it
    holder_goid,    -- who may hold it and does not wait for it; NULL if nobody
    holder_reason   -- what that one waits for; NULL if it does not wait
) AS
FROM waits_for_at(getvariable('ended_ts'))
