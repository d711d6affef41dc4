-- The intervals in which goroutines were waiting, parks that were undone at once included. For the
-- other columns see `intervals`.
--
-- Grain: one row per goroutine and period.
-- Cost: scans int_cycles.
CREATE TEMP VIEW int_waits (
    pid,             -- process
    goid,            -- goroutine
    ts,              -- when it began to wait, or was first seen to, ns
    ts_end,          -- when it was woken, ns; NULL if it was not until the end
    began_by,        -- the transition that began it
    ended_by,        -- the transition that ended it; NULL if nothing did
    reason,          -- wait reason; NULL where not known
    stack_id,        -- where it waits; NULL if not taken
    wake,            -- who ended it: goroutine, timer, netpoll or runtime; NULL if nothing did
    waker_goid,      -- the goroutine that ended the wait; NULL unless one did
    waker_stack_id,  -- the waker's stack; NULL if not taken
    tid,             -- the thread that began it; NULL where on none
    pc,              -- the caller of gopark; NULL where not known
    obj,             -- address of what it waits on; NULL where not known
    certain,         -- nothing was lost within it, unless Go noted that it is one wait, and its end
                     -- is a legal one
    shape            -- see `int_shapes`, which has began_by, ended_by, reason, stack_id and wake of it
) AS
SELECT
    c.pid,
    c.goid,
    c.wait_ts,
    c.ready_ts,
    s.wait_by,
    s.ready_by,
    s.reason,
    s.stack_id,
    s.wake,
    c.waker_goid,
    c.waker_stack_id,
    c.wait_tid,
    c.pc,
    c.obj,
    s.certain & 1 <> 0,
    c.shape
FROM int_cycles AS c
JOIN int_shapes AS s ON s.shape = c.shape
WHERE s.first_state = 0
