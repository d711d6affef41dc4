-- Waits, with numbers for names, since to group by numbers takes a fifth of the time. By what numbers
-- they can be grouped, see `int_wait_shapes`.
--
-- Grain: one row per wait, as in `waits`.
-- Cost: scans `int_cycles`.
CREATE TEMP VIEW int_numbered_waits (
    pid,              -- process
    goid,             -- goroutine
    ts,               -- when it began to wait, or was first seen to, ns
    ts_end,           -- when it was woken, ns; NULL if it was not until the end
    dur,              -- how long it waited, ns; NULL if not to an end
    dur_seen,         -- how long it waited, to the end of the process or of the recording at most, ns
    began_by,         -- the transition that began it, as in `int_waits`
    ended_by,         -- the transition that ended it; NULL if nothing did
    reason,           -- wait reason, as in `int_waits`; NULL where not known
    stack_id,         -- where it waits; NULL if not taken
    site,             -- place, see `stacks`; NULL if no stack was taken
    function_number,  -- see `int_sites`; NULL if no stack was taken
    waker_goid,       -- the goroutine that ended the wait; NULL unless one did
    obj,              -- address of what it waits on; NULL where not known
    system,           -- a wait in the runtime's own business
    certain,          -- nothing was lost within it, and its end is a legal one
    begun,            -- it was seen to begin
    by_reason,        -- see `int_wait_shapes`
    by_function,      -- likewise
    by_stack          -- likewise
) AS
SELECT
    c.pid,
    c.goid,
    c.wait_ts,
    c.ready_ts,
    c.ready_ts - c.wait_ts,
    coalesce(c.ready_ts, e.ended_ts) - c.wait_ts,
    s.began_by,
    s.ended_by,
    s.reason,
    s.stack_id,
    s.site,
    s.function_number,
    c.waker_goid,
    c.obj,
    s.system,
    s.certain,
    s.begun,
    s.by_reason,
    s.by_function,
    s.by_stack
FROM int_cycles AS c
JOIN int_wait_shapes AS s ON s.shape = c.shape
JOIN int_process_ends AS e ON e.pid = c.pid
WHERE s.ended_by IS DISTINCT FROM 'park_undone'
