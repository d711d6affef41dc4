-- The transitions, cut where windows end: from then on until it is seen again a goroutine's state is
-- not known. The one it was in ends `unseen`, and so begins the unknown one.
--
-- Only a wait of which Go noted that it lasted all the time goes on through a pause. A goroutine that
-- the next window does not find is `then gone`. Where there is no window any more, the last state
-- stays open, and is not certain.
--
-- Grain: one row per goroutine and transition, and one more per goroutine and pause.
-- Cost: sorts twice more where the recorder recorded in windows, else nothing.
CREATE TEMP VIEW int_seen_steps (
    pid,         -- process
    goid,        -- goroutine
    seq,         -- order of the transitions of one goroutine
    ts,          -- when, ns
    kind,        -- the transition, or unseen
    tid,         -- thread; NULL where on none
    cpu,         -- processor; NULL where a snapshot says so
    reason,      -- wait reason; NULL unless it begins to wait
    stack_id,    -- stack of who caused the change; NULL if not taken
    pc,          -- code address of the cause; NULL where not known
    obj,         -- address of what it waits on; NULL where not known
    ts_end,      -- when it left the state, ns; NULL if it did not until the end
    ended_by,    -- the transition that ended it, or unseen; NULL if nothing did
    next_other,  -- the other goroutine of that one; NULL if there is none
    next_stack,  -- the stack of that one; NULL if not taken
    state,       -- the state entered; NULL where the plan cannot tell, or probes were off
    certain,     -- its end is a legal one, and no snapshot was torn
    woken        -- it is a wait, and that which ended it tells who did
) AS
WITH spanning AS (
    SELECT
        s.*,
        CASE
            WHEN p.ts < coalesce(s.ts_end, 9223372036854775807) AND s.state IS DISTINCT FROM 'dead'
                THEN p.ts
        END AS pause_ts,
        g.ts AS gone_ts
    FROM int_steps AS s
    -- The last time it was found to be in this state, by the way.
    ASOF LEFT JOIN (
        SELECT pid, goid, read_ts FROM int_window_states
    ) AS w
        ON w.pid = s.pid AND w.goid = s.goid
        AND coalesce(s.ts_end, 9223372036854775807) > w.read_ts
    ASOF LEFT JOIN int_pauses AS p ON p.pid = s.pid AND greatest(s.ts, w.read_ts) < p.ts_end
    LEFT JOIN (
        SELECT p.pid, p.ts AS pause_ts, min(g.ts) AS ts
        FROM int_pauses AS p
        JOIN stg_goroutines AS g
            ON g.pid = p.pid AND g.ts >= p.ts_end AND (p.next_ts IS NULL OR g.ts < p.next_ts)
        GROUP BY p.pid, p.ts
    ) AS g ON g.pid = p.pid AND g.pause_ts = p.ts
    WHERE getvariable('has_pauses')
)
FROM int_steps
WHERE NOT getvariable('has_pauses')
UNION ALL
SELECT * EXCLUDE (pause_ts, gone_ts) REPLACE (
    CASE WHEN ts_end IS NULL AND gone_ts IS NULL THEN NULL ELSE coalesce(pause_ts, ts_end) END
        AS ts_end,
    CASE
        WHEN pause_ts IS NULL THEN ended_by
        WHEN ts_end IS NOT NULL OR gone_ts IS NOT NULL THEN 'unseen'::event_kind
    END AS ended_by,
    certain AND pause_ts IS NULL AS certain,
    woken AND pause_ts IS NULL AS woken
)
FROM spanning
UNION ALL
SELECT * EXCLUDE (pause_ts, gone_ts) REPLACE (
    pause_ts AS ts,
    'unseen'::event_kind AS kind,
    coalesce(ts_end, gone_ts) AS ts_end,
    coalesce(ended_by, 'then gone'::event_kind) AS ended_by,
    NULL AS state,
    NULL AS tid,
    NULL AS cpu,
    NULL AS reason,
    NULL AS stack_id,
    NULL AS pc,
    NULL AS obj,
    false AS certain,
    false AS woken
)
FROM spanning
WHERE pause_ts IS NOT NULL AND coalesce(ts_end, gone_ts) IS NOT NULL
