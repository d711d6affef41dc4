-- Goroutines that could run and did not yet: what is called scheduling latency.
--
-- A park that was undone at once is not among them, since such a goroutine is never queued.
--
-- Grain: one row per goroutine and period in which it was runnable.
-- Cost: joins `intervals` with `goroutines`; about 0.3 s for 5 M rows.
CREATE TEMP VIEW runnables (
    pid,         -- process
    goid,        -- goroutine
    ts,          -- when it became runnable, ns; if `cause` is "seen", it was so before
    ts_end,      -- when it began to run, ns; NULL if it did not until the end
    dur,         -- how long that took, ns; NULL while open
    dur_seen,    -- the same, counted to the end of the recording or process while open, ns
    cause,       -- created, woken, yielded (or was preempted), lost its P (after a system call), seen
    function,    -- its start function; NULL where not known
    created_by,  -- function that contains the go statement; NULL where not known
    created_at,  -- file:line of the go statement; NULL where not known
    system,      -- the runtime's own goroutine
    certain      -- nothing was lost within it
) AS
SELECT
    i.pid,
    i.goid,
    i.ts,
    i.ts_end,
    i.ts_end - i.ts,
    coalesce(i.ts_end, e.ended_ts) - i.ts,
    int_cause_of(i.began_by),
    g.function,
    g.created_by,
    g.created_at,
    coalesce(g.system, false),
    i.certain
FROM int_runnables AS i
LEFT JOIN goroutines AS g ON g.pid = i.pid AND g.goid = i.goid
JOIN int_process_ends AS e ON e.pid = i.pid
WHERE i.began_by <> 'park_undone'
