-- The states of every goroutine, one after the other; `intervals` is the view to query.
--
-- Grain: one row per goroutine and period in one state. Being dead is no period, unless something
-- is said to have ended it.
-- Cost: stored in the index.
CREATE TABLE int_intervals (
    pid,             -- process
    goid,            -- goroutine
    state,           -- state; NULL where the plan cannot tell
    ts,              -- when it entered the state, or was first seen in it, ns
    ts_end,          -- when it left, ns; NULL if it did not until the end
    began_by,        -- the transition that began it
    ended_by,        -- the transition that ended it; NULL if nothing did
    reason,          -- wait reason; NULL unless waiting
    stack_id,        -- where the goroutine waits or gave way; NULL for other states or if not taken
    waker_goid,      -- the goroutine that ended the wait; NULL unless one did
    waker_stack_id,  -- the waker's stack; NULL if not taken
    tid,             -- the thread that began it; NULL where on none
    cpu,             -- the processor where it began; NULL where a snapshot says so
    pc,              -- waiting: the caller of gopark; NULL otherwise
    obj,             -- waiting: address of what it waits on; NULL otherwise
    certain          -- nothing was lost within it and its end is a legal one
) AS
WITH steps AS NOT MATERIALIZED (
    SELECT
        *,
        lead(ts) OVER life AS ts_end,
        lead(kind) OVER life AS ended_by,
        lead(other_goid) OVER life AS next_other,
        lead(stack_id) OVER life AS next_stack
    FROM int_transitions
    WINDOW life AS (PARTITION BY pid, goid ORDER BY seq)
),
judged AS NOT MATERIALIZED (
    SELECT
        s.* EXCLUDE (certain),
        k.state,
        s.certain
            AND (s.ended_by IS NULL OR k.state IS NULL OR l.kind IS NOT NULL) AS certain,
        -- Whoever polls the network by the way is not the cause of what comes from there.
        k.state = 'waiting' AND (
            s.ended_by IN ('ready', 'coro_resume')
            OR s.ended_by = 'inject' AND s.reason IS DISTINCT FROM 'IO wait'
        ) AS woken
    FROM steps AS s
    JOIN int_kinds AS k ON k.kind = s.kind
    LEFT JOIN int_legal_transitions AS l ON l.state = k.state AND l.kind = s.ended_by
    WHERE k.state IS DISTINCT FROM 'dead' OR s.ended_by IS NOT NULL
),
-- Looking for gaps means sorting once more, so it is left out where there are none.
whole AS NOT MATERIALIZED (
    FROM judged
    WHERE NOT getvariable('has_gaps')
    UNION ALL
    SELECT j.* REPLACE (
        j.certain AND coalesce(
            g.ts >= coalesce(j.ts_end, (SELECT ended_ts FROM stg_recording)), true
        ) AS certain
    )
    FROM judged AS j
    ASOF LEFT JOIN int_gaps AS g ON j.pid = g.pid AND j.ts < g.ts_end
    WHERE getvariable('has_gaps')
)
SELECT
    pid,
    goid,
    state,
    ts,
    ts_end,
    kind,
    ended_by,
    CASE
        WHEN kind IN ('coro_switch', 'create_parked') THEN 'coroutine'
        WHEN kind = 'suspend' THEN 'preempted'
        ELSE reason
    END,
    CASE
        WHEN kind IN (
            'park', 'yield', 'suspend', 'coro_switch', 'syscall_enter', 'syscall_lost_p',
            'seen waiting', 'seen runnable', 'seen syscall',
            'then waiting', 'then runnable', 'then syscall'
        ) THEN stack_id
    END,
    CASE WHEN woken THEN next_other END,
    CASE WHEN woken THEN next_stack END,
    tid,
    cpu,
    CASE WHEN state = 'waiting' THEN pc END,
    CASE WHEN state = 'waiting' THEN obj END,
    certain
FROM whole
