-- How long each goroutine was on a thread, which is as near to processor time as the Go scheduler
-- tells: it does not know when the kernel takes the processor from the thread, and without probes
-- on system calls (plan full) the time in those counts too. So this is what a goroutine used at most.
-- Where a snapshot found it in a system call all the same, the period counts as uncertain.
--
-- Grain: one row per goroutine that ran.
-- Cost: stored in the index.
CREATE TABLE cpu_time (
    pid,           -- process
    goid,          -- goroutine
    function,      -- its start function; NULL where not known
    created_by,    -- function that contains the go statement; NULL where not known
    created_at,    -- file:line of the go statement; NULL where not known
    system,        -- the runtime's own goroutine
    running_ns,    -- time it was running, to the end while it still is, ns
    runs,          -- periods in which it was
    longest_ns,    -- the longest of them, ns; NULL if none is certain
    uncertain_ns   -- time in which it may have run or not: periods with a loss within, or in which a
                   -- snapshot found it in a system call, ns
) AS
FROM cpu_time_of(NULL, NULL, NULL, NULL)
