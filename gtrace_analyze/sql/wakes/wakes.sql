-- Who ended which wait.
--
-- Grain: one row per wait that ended. A park that was undone at once is none.
-- Cost: joins `intervals` with `stacks` and `goroutines`; about 0.5 s for 5 M waits.
CREATE TEMP VIEW wakes (
    pid,              -- process
    goid,             -- the goroutine that was woken
    ts,               -- when, ns
    waited_ns,        -- how long it had waited, ns
    reason,           -- for what, in Go's words; NULL where not known
    function,         -- where it waited: innermost function that is not plumbing; NULL if no stack
                      -- was taken
    goroutine,        -- its start function; NULL where not known
    wake,             -- who woke it: goroutine, timer, netpoll or runtime
    waker_goid,       -- the goroutine that did; NULL unless one did
    waker_function,   -- where that one did it; NULL unless one did, or if no stack was taken
    waker_goroutine,  -- its start function; NULL unless one did, or where not known
    obj,              -- address of what it waited on; NULL where not known
    system,           -- it waited in the runtime's own business
    certain           -- nothing was lost within the wait
) AS
SELECT
    i.pid,
    i.goid,
    i.ts_end,
    i.dur,
    i.reason,
    s.function,
    g.function,
    i.wake,
    i.waker_goid,
    w.function,
    h.function,
    i.obj,
    coalesce(s.system, false),
    i.certain
FROM intervals AS i
LEFT JOIN stacks AS s ON s.stack_id = i.stack_id
LEFT JOIN stacks AS w ON w.stack_id = i.waker_stack_id
LEFT JOIN goroutines AS g ON g.pid = i.pid AND g.goid = i.goid
LEFT JOIN goroutines AS h ON h.pid = i.pid AND h.goid = i.waker_goid
WHERE i.state = 'waiting' AND i.ts_end IS NOT NULL AND i.ended_by IS DISTINCT FROM 'park_undone'
    AND i.wake IS NOT NULL
