-- The states of every goroutine, one after the other; `intervals` is the view to query.
--
-- Grain: one row per goroutine and period in one state, or unseen. Being dead is no period, unless
-- something is said to have ended it that cannot.
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
    certain          -- nothing was lost within it, unless Go noted that it is one wait, and its end
                     -- is a legal one
) AS
-- Looking for gaps means sorting twice more, so it is left out where there are none.
WITH crossing AS NOT MATERIALIZED (
    SELECT
        j.*,
        coalesce(j.ts_end, (SELECT ended_ts FROM stg_recording)) AS until_ts,
        w.ts AS wait_ts,
        w.ts_end AS wait_ts_end,
        g.ts AS gap_ts
    FROM int_seen_steps AS j
    -- The wait that it is as far as Go noted it, and the first loss since it began.
    ASOF LEFT JOIN int_noted_waits AS w
        ON j.pid = w.pid AND j.goid = w.goid AND j.ts < w.ts_end
    ASOF LEFT JOIN int_gaps AS g ON j.pid = g.pid AND j.ts < g.ts_end
    WHERE getvariable('has_gaps')
),
whole AS NOT MATERIALIZED (
    FROM int_seen_steps
    WHERE NOT getvariable('has_gaps')
    UNION ALL
    SELECT j.* EXCLUDE (until_ts, wait_ts, wait_ts_end, gap_ts) REPLACE (
        j.certain AND (
            coalesce(j.gap_ts >= j.until_ts, true)
            OR coalesce(j.wait_ts <= j.gap_ts, false) AND coalesce(g.ts >= j.until_ts, true)
        ) AS certain
    )
    FROM crossing AS j
    ASOF LEFT JOIN int_gaps AS g ON j.pid = g.pid AND j.wait_ts_end < g.ts_end
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
-- Where what was found tells at once how it went on.
WHERE kind <> 'unseen' OR ts_end IS DISTINCT FROM ts
