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
WITH pairs AS MATERIALIZED (
    SELECT pid, waker_goid, goid, count(*) AS wakes
    FROM int_waits
    WHERE ts_end IS NOT NULL
    GROUP BY pid, waker_goid, goid
),
frequent AS (
    SELECT coalesce((SELECT wakes FROM pairs ORDER BY wakes DESC LIMIT 1 OFFSET 10_000), 0) AS least
),
kept AS (
    -- There are no more of these; the limit says so to the planner, which else expects a million.
    FROM pairs WHERE wakes > (SELECT least FROM frequent) ORDER BY wakes DESC LIMIT 10_000
),
chosen AS (
    SELECT w.*
    FROM int_woken_of(NULL, NULL) AS w
    JOIN kept AS p
        ON p.pid = w.pid AND p.goid = w.goid AND p.waker_goid IS NOT DISTINCT FROM w.waker_goid
)
SELECT p.*, f.least
FROM int_wake_pairs_at('chosen') AS p
CROSS JOIN frequent AS f
WHERE p.wakes > f.least OR f.least = 0
