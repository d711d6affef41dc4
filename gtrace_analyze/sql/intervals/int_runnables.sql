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
    pid,
    goid,
    ready_ts,
    run_ts,
    ready_by,
    run_by,
    CASE WHEN first_state = 1 THEN stack_id END,
    ready_tid,
    certain & 2 <> 0
FROM int_cycles
WHERE first_state <= 1 AND last_state >= 1
