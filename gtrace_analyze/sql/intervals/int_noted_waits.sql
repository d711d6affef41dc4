-- Waits of which Go's garbage collector noted that they went on.
--
-- A collection that finds a goroutine blocked writes to its `waitsince` when the collection before it
-- ended (work.tstart in runtime/mgc.go and mgcmark.go, Go 1.19 to 1.27), and only running it wipes
-- that out. So `waitsince` itself is no moment of the wait. But the wait had begun when that collection
-- was over, which is the next later `waitsince` of any goroutine, or else by when it was read; and
-- it was not over as long as later snapshots read the same. A coroutine is switched to without being
-- run, so that what is noted of one that takes part in switches says nothing.
--
-- Grain: one row per goroutine and noted wait.
-- Cost: stored in the index.
CREATE TABLE int_noted_waits (
    pid,        -- process
    goid,       -- goroutine
    waitsince,  -- what is noted, ns
    ts,         -- it was in this wait by then, ns
    ts_end      -- and still was then, ns
) AS
WITH collections AS (
    SELECT pid, waitsince, lead(waitsince) OVER (PARTITION BY pid ORDER BY waitsince) AS over_ts
    FROM (SELECT DISTINCT pid, waitsince FROM stg_goroutines WHERE waitsince IS NOT NULL)
),
switching AS (
    SELECT pid, unnest([goid, other_goid]) AS goid FROM stg_events WHERE kind = 'coro_switch'
    UNION
    SELECT pid, goid FROM stg_goroutines WHERE reason::VARCHAR = 'coroutine'
)
SELECT g.pid, g.goid, g.waitsince, least(min(g.ts), any_value(c.over_ts)), max(g.ts)
FROM stg_goroutines AS g
JOIN collections AS c ON c.pid = g.pid AND c.waitsince = g.waitsince
ANTI JOIN switching AS s ON s.pid = g.pid AND s.goid = g.goid
WHERE int_state_of(g.status) = 'waiting' AND g.certain
GROUP BY g.pid, g.goid, g.waitsince
