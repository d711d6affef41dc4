-- The states of every goroutine, one after the other.
--
-- With a plan that does not watch `run` (park, lifecycle) the state between waits is NULL, not known.
-- With one that does not watch system calls (all but full) `running` includes them. With none but
-- snapshots, an interval lasts from the snapshot that first found it to the one that no more did.
-- Where it was recorded in windows (see `windows`), what is ended by "unseen" went on for nobody knows
-- how long, and is not certain; until the goroutine is seen again its state is NULL. So does what a
-- loss of events lies in (see `health`), and from the end of the loss on is "then …" what the next
-- snapshot found. Only a wait of which Go's garbage collector noted that it went on is one, and certain.
--
-- Grain: one row per goroutine and period in one state.
-- Cost: stored in the index; about 0.1 s for a full scan of 15 M rows.
CREATE TEMP VIEW intervals (
    pid,             -- process
    goid,            -- goroutine
    state,           -- running, runnable, waiting or syscall; NULL where the plan cannot tell, no
                     -- probes were on, or the first event contradicts what a snapshot found
    ts,              -- when it entered the state, ns; if `began_by` is "seen …", it was in it before:
                     -- a wait begins about when Go noted it, up to a garbage collection too early,
                     -- or else when it was read; if it is "then …", some time before
    ts_end,          -- when it left, ns; NULL if it did not until the end
    dur,             -- how long it was in it, ns; NULL while open
    dur_seen,        -- the same, counted to the end of the recording or process while open, ns
    began_by,        -- the transition that began it, an event kind, "seen …" for the start
                     -- snapshot or "then …" for a later one
    ended_by,        -- the transition that ended it; NULL if nothing did; "unseen" if a window or
                     -- a loss did
    reason,          -- wait reason in Go's words; NULL unless waiting
    stack_id,        -- where the goroutine waits or gave way; NULL for other states or if not taken
    wake,            -- who ended the wait: goroutine, timer, netpoll or runtime; NULL if nothing did
    waker_goid,      -- the goroutine that ended the wait; NULL unless one did
    waker_stack_id,  -- the waker's stack; NULL if not taken
    tid,             -- the thread that began it; NULL where on none
    cpu,             -- running, syscall: the processor where it began; NULL otherwise, and where a
                     -- snapshot says so
    pc,              -- waiting: the caller of gopark; NULL otherwise
    obj,             -- waiting: address of what it waits on; NULL otherwise
    certain          -- nothing lost within it can have ended it, its end was seen, and is a legal one
) AS
SELECT
    i.pid,
    i.goid,
    i.state,
    i.ts,
    i.ts_end,
    i.ts_end - i.ts,
    coalesce(i.ts_end, e.ended_ts) - i.ts,
    i.began_by::VARCHAR,
    i.ended_by::VARCHAR,
    i.reason::VARCHAR,
    i.stack_id,
    i.wake::VARCHAR,
    i.waker_goid,
    i.waker_stack_id,
    i.tid,
    i.cpu,
    i.pc,
    i.obj,
    i.certain
FROM int_intervals AS i
JOIN int_process_ends AS e ON e.pid = i.pid
