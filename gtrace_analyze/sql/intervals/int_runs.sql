-- The intervals in which goroutines were running, in a system call, or nobody knows what.
--
-- Grain: one row per goroutine and period in one state, or unseen. Being dead is no period, unless
-- something is said to have ended it that cannot.
-- Cost: scans int_cycles.
CREATE TEMP VIEW int_runs (
    pid,       -- process
    goid,      -- goroutine
    state,     -- running, syscall or dead; NULL where the plan cannot tell, or while probes were off
    ts,        -- when it entered the state, or was first seen in it, ns
    ts_end,    -- when it left, ns; NULL if it did not until the end
    began_by,  -- the transition that began it
    ended_by,  -- the transition that ended it; NULL if nothing did
    stack_id,  -- where it called or gave way; NULL if it did not, or if not taken
    tid,       -- the thread that began it; NULL where on none
    cpu,       -- the processor where it began; NULL where a snapshot says so
    certain    -- nothing was lost within it, and its end is a legal one
) AS
SELECT
    c.pid,
    c.goid,
    s.run_state,
    c.run_ts,
    c.ts_end,
    s.run_by,
    s.ended_by,
    CASE WHEN s.first_state = 2 THEN s.stack_id END,
    c.run_tid,
    c.run_cpu,
    s.certain & 4 <> 0
FROM int_cycles AS c
JOIN int_shapes AS s ON s.shape = c.shape
WHERE s.last_state = 2
