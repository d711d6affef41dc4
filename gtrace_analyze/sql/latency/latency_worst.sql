-- The 20 longest times that goroutines of the program waited for a processor, and what ran instead.
--
-- Which P a goroutine is queued at is not recorded. What ran on the thread that took it up in the
-- end is the best that can be said of what stood in its way; `busy_ns` against `dur_seen` says how
-- many threads were running Go code meanwhile.
--
-- Grain: one row per period in which a goroutine was runnable.
-- Cost: stored in the index.
CREATE TABLE latency_worst (
    pid,             -- process
    goid,            -- goroutine
    ts,              -- when it became runnable, ns
    ts_end,          -- when it began to run, ns; NULL if it did not until the end
    dur,             -- how long that took, ns; NULL while open
    dur_seen,        -- the same, counted to the end of the recording or process while open, ns
    cause,           -- why it was runnable, see `runnables`
    function,        -- its start function; NULL where not known
    created_by,      -- function that contains the go statement; NULL where not known
    created_at,      -- file:line of the go statement; NULL where not known
    tid,             -- the thread that took it up; NULL if none did
    cpu,             -- the processor it began to run on; NULL if it did not
    certain,         -- nothing was lost within it
    busy_ns,         -- time that goroutines of the process ran meanwhile, on all threads, ns
    same_thread_ns,  -- of it on the thread that took it up, ns; NULL if none did
    instead          -- who ran: goid, function, ns, same_thread_ns; ten at most, those on its thread
                     -- first
) AS
FROM latency_worst_of(NULL, NULL, NULL, NULL, 20)
