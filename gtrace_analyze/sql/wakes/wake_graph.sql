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
-- By numbers first, which are few; the names of several may be the same.
WITH counted AS (
    SELECT
        w.system,
        w.wake,
        h.function_number AS waker_goroutine,
        w.waker_spot,
        g.function_number AS goroutine,
        w.spot,
        w.reason,
        count(*) FILTER (w.certain) AS wakes,
        coalesce(sum(w.dur) FILTER (w.certain), 0)::BIGINT AS waited_ns,
        max(w.dur) FILTER (w.certain) AS longest_ns,
        count(*) FILTER (NOT w.certain) AS uncertain
    FROM int_woken_of(NULL, NULL) AS w
    LEFT JOIN int_origins AS g ON g.pid = w.pid AND g.goid = w.goid
    LEFT JOIN int_origins AS h ON h.pid = w.pid AND h.goid = w.waker_goid
    GROUP BY ALL
),
starts AS (
    SELECT DISTINCT function_number, function FROM int_origin_names
)
SELECT
    coalesce(c.system, false),
    c.wake,
    h.function,
    w.function,
    g.function,
    s.function,
    c.reason::VARCHAR,
    sum(c.wakes)::BIGINT,
    sum(c.waited_ns)::BIGINT,
    max(c.longest_ns),
    sum(c.uncertain)::BIGINT
FROM counted AS c
LEFT JOIN stacks AS s ON s.stack_id = c.spot
LEFT JOIN stacks AS w ON w.stack_id = c.waker_spot
LEFT JOIN starts AS g ON g.function_number = c.goroutine
LEFT JOIN starts AS h ON h.function_number = c.waker_goroutine
GROUP BY coalesce(c.system, false), c.wake, h.function, w.function, g.function, s.function, c.reason
