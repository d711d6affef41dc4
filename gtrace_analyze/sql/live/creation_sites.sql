-- Where goroutines are made, and what becomes of them.
--
-- Grain: one row per go statement, start function and kind (system or not).
-- Cost: groups `goroutines`.
CREATE TABLE creation_sites (
    created_at,    -- file:line of the go statement; NULL where not known
    created_by,    -- function that contains it; NULL where not known
    function,      -- start function of the goroutines it makes; NULL where not known
    system,        -- the runtime's own goroutines
    at_start,      -- alive when the recording began
    created,       -- made during the recording
    ended,         -- ended during the recording
    live,          -- alive at the end
    running_ns,    -- their time on a processor, ns; NULL where the plan cannot tell
    waiting_ns     -- their time parked, ns
) AS
WITH origins AS (
    SELECT g.*, is_at_start(g.ts, g.first_ts, s.ts) AS at_start
    FROM goroutines AS g
    LEFT JOIN int_first_snapshots AS s ON s.pid = g.pid
)
SELECT
    created_at,
    created_by,
    function,
    system,
    count(*) FILTER (at_start),
    count(*) FILTER (NOT at_start),
    count(ts_end),
    count(*) - count(ts_end),
    sum(running_ns)::BIGINT,
    sum(waiting_ns)::BIGINT
FROM origins
GROUP BY created_at, created_by, function, system
