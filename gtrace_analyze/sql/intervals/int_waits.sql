-- The intervals in which goroutines were waiting, parks that were undone at once included. For the
-- other columns see `intervals`.
--
-- Grain: one row per goroutine and period.
-- Cost: stored in the index.
CREATE TABLE int_waits (
    pid,             -- process
    goid,            -- goroutine
    ts,              -- when it began to wait, or was first seen to, ns
    ts_end,          -- when it was woken, ns; NULL if it was not until the end
    began_by,        -- the transition that began it
    ended_by,        -- the transition that ended it; NULL if nothing did
    reason,          -- wait reason; NULL where not known
    stack_id,        -- where it waits; NULL if not taken
    wake,            -- who ended it: goroutine, timer, netpoll or runtime; NULL if nothing did
    waker_goid,      -- the goroutine that ended the wait; NULL unless one did
    waker_stack_id,  -- the waker's stack; NULL if not taken
    tid,             -- the thread that began it; NULL where on none
    pc,              -- the caller of gopark; NULL where not known
    obj,             -- address of what it waits on; NULL where not known
    certain          -- nothing was lost within it, unless Go noted that it is one wait, and its end
                     -- is a legal one
) AS
WITH told AS NOT MATERIALIZED (
    SELECT
        s.* EXCLUDE (reason, next_other, next_stack),
        k.kind,
        k.ended_by,
        k.legal,
        -- Whoever polls the network by the way is not the cause of what comes from there.
        k.ended_by = 'inject' AND coalesce(s.reason = 'IO wait', false) AS polled,
        CASE
            WHEN k.kind IN ('coro_switch', 'create_parked') THEN 'coroutine'::wait_reason
            WHEN k.kind = 'suspend' THEN 'preempted'::wait_reason
            ELSE s.reason::wait_reason
        END AS reason,
        CASE WHEN k.woken AND NOT polled THEN s.next_other END AS waker_goid,
        CASE WHEN k.woken AND NOT polled THEN s.next_stack END AS waker_stack_id
    FROM raw_waits AS s
    JOIN int_kind_pairs AS k ON k.pair = s.pair
)
SELECT
    pid,
    goid,
    ts,
    ts_end,
    kind,
    ended_by,
    reason,
    CASE WHEN kind <> 'create_parked' THEN stack_id END,
    CASE
        WHEN ended_by IS NULL OR ended_by = 'unseen' THEN NULL
        WHEN kind = 'suspend' OR ended_by = 'park_undone' THEN 'runtime'
        WHEN waker_goid IS NOT NULL THEN 'goroutine'
        WHEN polled THEN 'netpoll'
        WHEN ended_by = 'inject' OR is_runtime_wait(reason) THEN 'runtime'
        WHEN ended_by = 'ready' THEN 'timer'
    END::waker_kind,
    waker_goid,
    waker_stack_id,
    tid,
    pc,
    obj,
    certain AND legal
FROM told
