-- Which goroutine woke which, at which functions and how often, with numbers for names: about 10,000
-- of the most frequent, of what there may be as many of as events. For all, ask `int_wake_pairs_of`.
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
    uncertain,   -- wake-ups with a loss of events within the wait, which are in no other column
    least        -- all with more wakes than this are here; 0 if those with none are, too
) AS
WITH frequent AS (
    SELECT coalesce(max(least), 0) AS least FROM int_wake_numbers
),
pairs AS (
    SELECT pid, waker_goid, goid, count(*) AS wakes
    FROM int_waits
    WHERE ts_end IS NOT NULL
        AND int_wake_number_of(pid, waker_goid, goid) IN (SELECT number FROM int_wake_numbers)
    GROUP BY pid, waker_goid, goid
),
kept AS MATERIALIZED (
    FROM pairs WHERE wakes > (SELECT least FROM frequent)
),
waits_kept AS (
    SELECT i.*
    FROM int_waits AS i
    JOIN kept AS p
        ON p.pid = i.pid AND p.goid = i.goid AND p.waker_goid IS NOT DISTINCT FROM i.waker_goid
),
chosen AS (
    FROM int_woken_of('waits_kept', NULL, NULL)
)
SELECT p.*, f.least
FROM int_wake_pairs_at('chosen') AS p
CROSS JOIN frequent AS f
WHERE p.wakes > f.least OR f.least = 0
