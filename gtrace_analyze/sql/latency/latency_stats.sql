-- How long goroutines that could run waited for a processor.
--
-- Periods that are still open are counted beside the distribution, not in it. Uncertain ones are in
-- neither. Empty if the plan does not watch `run`.
--
-- Grain: one row per level and what is grouped by there; filter by level.
-- Cost: stored in the index.
CREATE TABLE latency_stats (
    level,            -- what the row is about: all, cause, function or site
    system,           -- the runtime's own goroutines; they have rows of their own
    cause,            -- why they were runnable, see `runnables`; NULL at other levels
    function,         -- start function; NULL at levels all and cause, and where not known
    created_by,       -- function that contains the go statement; NULL but at level site
    created_at,       -- file:line of the go statement; NULL but at level site
    runs,             -- times that one began to run
    total_ns,         -- how long they waited for it, together, ns
    p50_ns,           -- half of them waited at most this long, ns; NULL if none ran
    p90_ns,           -- nine of ten of them waited at most this long, ns; NULL if none ran
    p99_ns,           -- 99 of 100 of them waited at most this long, ns; NULL if none ran
    max_ns,           -- the longest, ns; NULL if none ran
    open,             -- goroutines that were still waiting at the end
    open_longest_ns,  -- how long the longest of those had waited, ns; NULL if none was
    uncertain         -- periods with a loss of events within
) AS
WITH chosen AS NOT MATERIALIZED (
    FROM int_runnables_of(NULL, NULL, NULL, NULL)
),
parts AS (
    FROM int_latency_parts_of('chosen')
),
groups AS (
    FROM int_latency_groups_of('parts')
)
FROM int_latency_named_of('groups')
