-- Which goroutine woke which, at which functions and how often, with numbers for names.
--
-- Grain: one row per kind of waker, waker, woken, the function of either, and wait reason.
-- Cost: stored in the index.
CREATE TABLE int_wake_pairs (
    pid,         -- process
    wake,        -- who: goroutine, timer, netpoll or runtime
    waker_goid,  -- the goroutine that did; NULL unless one did
    waker_spot,  -- a stack of `stacks` that shows where it did; NULL unless one did, or if not taken
    goid,        -- the goroutine that was woken
    spot,        -- a stack of `stacks` that shows where it waited; NULL if no stack was taken
    reason,      -- for what; NULL where not known
    system,      -- the woken waited in the runtime's own business
    wakes,       -- how often
    waited_ns,   -- how long it had waited, together, ns
    longest_ns,  -- the longest, ns; NULL if none is certain
    uncertain    -- wake-ups with a loss of events within the wait, which are in no other column
) AS
FROM int_wake_pairs_of(NULL, NULL)
