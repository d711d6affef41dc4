-- The state of goroutines before their first event, from the first snapshot of their process.
--
-- A goroutine that had an event before it was read tells its state itself, and is not here. Where no
-- event tells of waits, see int_sampled_states.
--
-- Grain: one row per goroutine.
-- Cost: reads the events up to the end of the snapshot.
CREATE TEMP VIEW int_start_states (
    pid,       -- process
    goid,      -- goroutine
    ts,        -- about when it blocked, if Go noted that, else when it was read, ns
    kind,      -- `seen` and the state
    tid,       -- the thread it is on; NULL where on none
    reason,    -- wait reason; NULL unless waiting
    stack_id,  -- its stack; NULL while running
    obj,       -- address of what it waits on; NULL where not known
    certain    -- false where it changed while it was read, and where no event tells when that ends
) AS
WITH firsts AS (
    SELECT pid, goid, ts, tid, reason, stack_id, obj, certain, waitsince,
        'seen ' || int_state_among_events(status) AS kind
    FROM stg_goroutines
    SEMI JOIN int_first_snapshots USING (pid, snapshot)
    WHERE getvariable('sees_waits') OR getvariable('has_pauses')
),
before AS (
    SELECT pid, goid, min(ts) AS ts
    FROM stg_events
    WHERE ts <= getvariable('looked_ts')
    GROUP BY pid, goid
)
SELECT
    f.pid,
    f.goid,
    CASE WHEN f.kind = 'seen waiting' THEN coalesce(f.waitsince, f.ts) ELSE f.ts END,
    f.kind::event_kind,
    f.tid,
    f.reason,
    f.stack_id,
    f.obj,
    f.certain AND getvariable('sees_waits')
FROM firsts AS f
LEFT JOIN before AS b ON b.pid = f.pid AND b.goid = f.goid AND b.ts <= f.ts
WHERE f.kind IS NOT NULL AND b.goid IS NULL
