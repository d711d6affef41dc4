-- Waits of goroutines: the intervals in which they were parked, with place and origin.
--
-- Grain: one row per goroutine and wait. A park that was undone at once is none.
-- Cost: joins `intervals` with `stacks`; about 0.3 s for 5 M waits.
CREATE TEMP VIEW waits (
    pid,         -- process
    goid,        -- goroutine
    ts,          -- when it began to wait, ns; if `began_by` is "seen waiting", it waited before
    ts_end,      -- when it was woken, ns; NULL if it was not until the end
    dur,         -- how long it waited, ns; NULL while open
    dur_seen,    -- the same, counted to the end of the recording or process while open, ns
    began_by,    -- park, suspend, coro_switch, create_parked, seen waiting or then waiting
    ended_by,    -- the transition that ended it; unseen: probes went off, or events were lost; NULL if
                 -- nothing did
    reason,      -- wait reason in Go's words; NULL where not known
    stack_id,    -- its stack; NULL if not taken
    site,        -- the place, the same for all stacks that show it; NULL if no stack was taken
    function,    -- innermost function that is not plumbing; NULL if no stack was taken
    file,        -- its source file; NULL where the binary does not tell
    line,        -- the line it waits at; NULL where the binary does not tell
    wake,        -- who ended it: goroutine, timer, netpoll or runtime; NULL if nothing did
    waker_goid,  -- the goroutine that ended it; NULL unless one did
    obj,         -- address of what it waits on; NULL where not known
    system,      -- it waits in the runtime's own business: no other function is on the stack
    certain      -- nothing lost within the wait can have ended it
) AS
SELECT
    i.pid,
    i.goid,
    i.ts,
    i.ts_end,
    i.ts_end - i.ts,
    coalesce(i.ts_end, e.ended_ts) - i.ts,
    i.began_by::VARCHAR,
    i.ended_by::VARCHAR,
    i.reason::VARCHAR,
    i.stack_id,
    s.site,
    s.function,
    s.file,
    s.line,
    i.wake::VARCHAR,
    i.waker_goid,
    i.obj,
    coalesce(s.system, false),
    i.certain
FROM int_waits AS i
LEFT JOIN stacks AS s ON s.stack_id = i.stack_id
JOIN int_process_ends AS e ON e.pid = i.pid
WHERE i.ended_by IS DISTINCT FROM 'park_undone'
