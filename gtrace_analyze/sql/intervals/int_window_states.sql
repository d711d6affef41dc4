-- What the first snapshot of each window but the first found.
--
-- A goroutine that had an event of this window before it was read tells its state itself, and is not
-- here.
--
-- Grain: one row per window and goroutine.
-- Cost: stored in the index; what reads it is planned in half the time. Nothing where all was recorded
-- in one go; else reads the events several times.
CREATE TABLE int_window_states (
    pid,       -- process
    goid,      -- goroutine
    seq,       -- order among the events of its process
    ts,        -- when it waited already, if Go noted that of this wait, else when it was read, ns
    read_ts,   -- when it was read, ns
    kind,      -- `then` and the state
    tid,       -- the thread it is on; NULL where on none
    reason,    -- wait reason; NULL unless waiting
    stack_id,  -- its stack; NULL while running
    obj,       -- address of what it waits on; NULL where not known
    certain,   -- false where it changed while it was read, and where no event tells when that ends
    same       -- it is the wait that it was in when the window before ended: Go noted that
) AS
WITH firsts AS (
    SELECT w.pid, w.ts, w.ts_end, min(g.snapshot) AS snapshot, max(g.ts) AS read_ts
    FROM int_pauses AS w
    JOIN stg_goroutines AS g
        ON g.pid = w.pid AND g.ts >= w.ts_end AND (w.next_ts IS NULL OR g.ts < w.next_ts)
    WHERE getvariable('has_pauses')
    GROUP BY w.pid, w.ts, w.ts_end
    HAVING min(g.snapshot) > (SELECT s.snapshot FROM int_first_snapshots AS s WHERE s.pid = w.pid)
),
opened AS (
    SELECT f.*, e.seq
    FROM firsts AS f
    ASOF LEFT JOIN (SELECT ts, seq FROM stg_events) AS e ON f.ts_end <= e.ts
),
early AS (
    SELECT f.pid, f.ts, e.goid, min(e.ts) AS event_ts
    FROM stg_events AS e
    JOIN firsts AS f ON e.ts >= f.ts_end AND e.ts <= f.read_ts
    WHERE e.pid = f.pid
    GROUP BY f.pid, f.ts, e.goid
),
known AS (
    SELECT pid, goid, min(ts) AS ts
    FROM (
        SELECT pid, goid, ts FROM stg_events
        UNION ALL
        SELECT pid, goid, ts FROM stg_goroutines
    )
    WHERE getvariable('has_pauses')
    GROUP BY pid, goid
),
found AS (
    SELECT
        g.*,
        o.ts AS pause_ts,
        o.seq,
        int_state_among_events(g.status) AS state
    FROM opened AS o
    JOIN stg_goroutines AS g ON g.pid = o.pid AND g.snapshot = o.snapshot
    LEFT JOIN early AS e
        ON e.pid = o.pid AND e.ts = o.ts AND e.goid = g.goid AND e.event_ts <= g.ts
    WHERE e.goid IS NULL
)
SELECT
    f.pid,
    f.goid,
    -- Just before the window's first event; without any, behind all there are, in order of time.
    coalesce(f.seq - 1000, (1::BIGINT << 62) + 2 * f.ts),
    CASE
        WHEN f.state = 'waiting' AND n.ts > f.pause_ts THEN least(f.ts, n.ts)
        ELSE f.ts
    END,
    f.ts,
    ('then ' || f.state)::event_kind,
    f.tid,
    f.reason,
    f.stack_id,
    f.obj,
    f.certain AND getvariable('sees_waits'),
    coalesce(
        f.state = 'waiting' AND f.certain AND n.ts <= f.pause_ts AND k.ts <= f.pause_ts,
        false
    )
FROM found AS f
JOIN known AS k ON k.pid = f.pid AND k.goid = f.goid
LEFT JOIN int_noted_waits AS n
    ON n.pid = f.pid AND n.goid = f.goid AND n.waitsince = f.waitsince
WHERE f.state IS NOT NULL
