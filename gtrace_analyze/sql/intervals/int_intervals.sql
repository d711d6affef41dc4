-- The states of every goroutine, one after the other; `intervals` is the view to query.
--
-- Grain: one row per goroutine and period in one state, or unseen. Being dead is no period, unless
-- something is said to have ended it.
-- Cost: stored in the index.
CREATE TABLE int_intervals (
    pid,             -- process
    goid,            -- goroutine
    state,           -- state; NULL where the plan cannot tell, or while probes were off
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
-- Looking for gaps means sorting once more, so it is left out where there are none.
WITH whole AS NOT MATERIALIZED (
    FROM int_seen_steps
    WHERE NOT getvariable('has_gaps')
    UNION ALL
    SELECT j.* REPLACE (
        j.certain AND coalesce(
            g.ts >= coalesce(j.ts_end, (SELECT ended_ts FROM stg_recording)), true
        ) AS certain
    )
    FROM int_seen_steps AS j
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
        WHEN kind IN ('coro_switch', 'create_parked') THEN 'coroutine'::wait_reason
        WHEN kind = 'suspend' THEN 'preempted'::wait_reason
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
