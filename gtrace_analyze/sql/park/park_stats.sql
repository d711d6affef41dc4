-- How long goroutines waited, by wait reason, by function and by stack.
--
-- Waits that are still open are counted beside the distribution, not in it: how long they will
-- last is not known. Uncertain waits are in neither.
--
-- Grain: one row per level and what is grouped by there; filter by level.
-- Cost: stored in the index.
CREATE TABLE park_stats (
    level,            -- what the row is about: reason, function or stack
    system,           -- waits in the runtime's own business; they have rows of their own
    reason,           -- wait reason; NULL at level function and where not known
    function,         -- innermost function that is not plumbing; NULL at level reason
    site,             -- place, see `stacks`; NULL at other levels and if no stack was taken
    file,             -- source file; NULL at other levels
    line,             -- line; NULL at other levels
    waits,            -- waits that ended
    total_ns,         -- their sum, ns
    p50_ns,           -- half of them were at most this long, ns; NULL if none ended
    p90_ns,           -- nine of ten of them were at most this long, ns; NULL if none ended
    p99_ns,           -- 99 of 100 of them were at most this long, ns; NULL if none ended
    max_ns,           -- the longest of them, ns; NULL if none ended
    open,             -- waits that had not ended when the recording did
    open_ns,          -- how long those had lasted by then, together, ns
    open_longest_ns,  -- how long the longest of those had lasted by then, ns; NULL if none is open
    uncertain         -- waits with a loss of events within
) AS
FROM park_stats_of(NULL, NULL, NULL, NULL)
