-- The intervals in which goroutines were runnable, after parks that were undone at once included.
--
-- Grain: one row per goroutine and period.
-- Cost: scans int_cycles.
CREATE TEMP VIEW int_runnables (
    pid,       -- process
    goid,      -- goroutine
    ts,        -- when it became runnable, or was first seen to be, ns
    ts_end,    -- when it began to run, ns; NULL if it did not until the end
    began_by,  -- the transition that began it
    ended_by,  -- the transition that ended it; NULL if nothing did
    stack_id,  -- where it gave way; NULL if it did not, or if not taken
    tid,       -- the thread that began it; NULL where on none
    certain    -- nothing was lost within it, and its end is a legal one
) AS
SELECT
    c.pid,
    c.goid,
    c.ready_ts,
    c.run_ts,
    s.ready_by,
    s.run_by,
    CASE WHEN s.first_state = 1 THEN s.stack_id END,
    c.ready_tid,
    s.certain & 2 <> 0
FROM int_cycles AS c
JOIN int_shapes AS s ON s.shape = c.shape
WHERE s.first_state <= 1 AND s.last_state >= 1
