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
-- By stacks and functions first, which are few; their names may be the same.
WITH counted AS (
    SELECT
        p.system,
        p.wake,
        p.waker_spot,
        p.spot,
        p.reason,
        h.function AS waker_goroutine,
        g.function AS goroutine,
        sum(p.wakes)::BIGINT AS wakes,
        sum(p.waited_ns)::BIGINT AS waited_ns,
        max(p.longest_ns) AS longest_ns,
        sum(p.uncertain)::BIGINT AS uncertain
    FROM int_wake_pairs AS p
    LEFT JOIN goroutines AS g ON g.pid = p.pid AND g.goid = p.goid
    LEFT JOIN goroutines AS h ON h.pid = p.pid AND h.goid = p.waker_goid
    GROUP BY ALL
)
SELECT
    c.system,
    c.wake,
    c.waker_goroutine,
    w.function,
    c.goroutine,
    s.function,
    c.reason::VARCHAR,
    sum(c.wakes)::BIGINT,
    sum(c.waited_ns)::BIGINT,
    max(c.longest_ns),
    sum(c.uncertain)::BIGINT
FROM counted AS c
LEFT JOIN stacks AS s ON s.stack_id = c.spot
LEFT JOIN stacks AS w ON w.stack_id = c.waker_spot
GROUP BY c.system, c.wake, c.waker_goroutine, w.function, c.goroutine, s.function, c.reason
