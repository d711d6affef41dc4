-- The states of every goroutine, one after the other; `intervals` is the view to query.
--
-- Grain: one row per goroutine and period in one state, or unseen. Being dead is no period, unless
-- something is said to have ended it that cannot.
-- Cost: scans int_cycles three times.
CREATE TEMP VIEW int_intervals (
    pid,             -- process
    goid,            -- goroutine
    state,           -- state; NULL where the plan cannot tell, or while probes were off
    ts,              -- when it entered the state, or was first seen in it, ns
    ts_end,          -- when it left, ns; NULL if it did not until the end
    began_by,        -- the transition that began it
    ended_by,        -- the transition that ended it; NULL if nothing did
    reason,          -- wait reason; NULL unless waiting
    stack_id,        -- where the goroutine waits or gave way; NULL for other states or if not taken
    wake,            -- who ended the wait: goroutine, timer, netpoll or runtime; NULL if nothing did
    waker_goid,      -- the goroutine that ended the wait; NULL unless one did
    waker_stack_id,  -- the waker's stack; NULL if not taken
    tid,             -- the thread that began it; NULL where on none
    cpu,             -- running, syscall: the processor where it began; NULL otherwise, and where a
                     -- snapshot says so
    pc,              -- waiting: the caller of gopark; NULL otherwise
    obj,             -- waiting: address of what it waits on; NULL otherwise
    certain          -- nothing was lost within it, unless Go noted that it is one wait, and its end
                     -- is a legal one
) AS
SELECT
    pid, goid, 'waiting'::goroutine_state, ts, ts_end, began_by, ended_by, reason, stack_id,
    wake, waker_goid, waker_stack_id, tid, NULL, pc, obj, certain
FROM int_waits
UNION ALL
SELECT
    pid, goid, 'runnable'::goroutine_state, ts, ts_end, began_by, ended_by, NULL, stack_id, NULL, NULL,
    NULL, tid, NULL, NULL, NULL, certain
FROM int_runnables
UNION ALL
SELECT
    pid, goid, state, ts, ts_end, began_by, ended_by, NULL, stack_id, NULL, NULL, NULL, tid, cpu, NULL,
    NULL, certain
FROM int_runs
