-- Who woke whom and how often: the edges between functions. For those between goroutines, ask
-- `wake_graph_of`.
--
-- Grain: one row per kind of waker, its function and start function, and those of the woken.
-- Cost: stored in the index.
CREATE TABLE wake_graph (
    system,           -- the woken waited in the runtime's own business
    wake,             -- who: goroutine, timer, netpoll or runtime
    waker_goroutine,  -- start function of the waker; NULL unless a goroutine, or where not known
    waker_function,   -- where it did it; NULL unless a goroutine, or if no stack was taken
    goroutine,        -- start function of the woken; NULL where not known
    function,         -- where it waited; NULL if no stack was taken
    reason,           -- for what; NULL where not known
    wakes,            -- how often
    waited_ns,        -- how long they had waited, together, ns
    longest_ns,       -- the longest, ns; NULL if none is certain
    uncertain         -- wake-ups with a loss of events within the wait, which are in no other column
) AS
FROM int_wake_functions_of(NULL, NULL, NULL, NULL)
