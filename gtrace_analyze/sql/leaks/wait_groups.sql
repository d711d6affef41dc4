-- Groups of goroutines that wait at the end of the recording: same site, same wait reason, same go
-- statement; those that nothing can wake apart from the rest. What `leaks` judges.
--
-- Grain: one row per group.
-- Cost: stored in the index.
CREATE TABLE wait_groups (
    pid,               -- process
    site,              -- where they wait: a site of `stacks`; NULL if no stack was taken
    reason,            -- wait reason in Go's words; NULL where not known
    created_at,        -- file:line of the go statement that made them; NULL where not known
    unreachable,       -- how many nothing can wake, by a search of memory within this wait
    reachable,         -- how many something may wake, by the same search
    created_by,        -- function that contains it; NULL where not known
    start_function,    -- the start function of one of them; NULL where not known
    system,            -- the runtime's own goroutines
    count,             -- how many they are
    goids,             -- all of them, longest waiting first
    ages,              -- how long each of them waits, in the same order, ns
    stack_id,          -- stack of the longest waiting; NULL if not taken
    oldest_ns,         -- how long the longest waiting waits, ns
    newest_ns,         -- how long the last to come waits, ns
    oldest_ts,         -- since when the longest waiting waits, ns
    uncertain,         -- how many have a loss of events within this wait
    returned,          -- how many have waited here before, and were woken
    objects,           -- how many different things they wait on, as far as known
    obj,               -- the address of what all of them wait on; NULL if not one thing or not known
    passed_over,       -- how many wait for a lock that nobody got since they wait
    passed_over_ns,    -- how long the longest waiting of those waits, ns; NULL if there are none
    at_start,          -- how many stood here when the recording began
    joins,             -- when the others came to stand here, ns, in order; NULL if there are none
    certain_joins,     -- since when those of them stand here for certain of whom nothing was lost, ns;
                       -- NULL if there are none
    attending,         -- of those that were made during the recording, how many have to do with one
                       -- goroutine of their own that waits for the network: made by it or for it,
                       -- or both by the same; or with a stream of HTTP/2 whose connection is still
                       -- served; or were made by one that has, within a second
    function,          -- innermost function that is not plumbing; NULL if no stack was taken
    file,              -- its source file; NULL where the binary does not tell
    line,              -- the line it waits at; NULL where the binary does not tell
    frames,            -- all frames of the stack, innermost first; NULL if no stack was taken
    ended,             -- waits of this group's kind that ended during the recording
    ended_longest_ns,  -- the longest of those, ns; NULL if there are none
    last_end_ts,       -- when the last of those ended, ns; NULL if there are none
    loops              -- how many that are elsewhere now were woken here at least twice
) AS
FROM wait_groups_between(getvariable('started_ts'), getvariable('ended_ts'))
