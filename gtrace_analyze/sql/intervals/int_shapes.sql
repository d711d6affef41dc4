-- What cycles have in common: all but the goroutine, the times and the threads. There are thousands
-- where there are millions of cycles.
--
-- Grain: one row per shape that occurs.
-- Cost: stored in the index.
CREATE TABLE int_shapes (
    shape,        -- its number
    first_state,  -- the first state that a cycle has: 0 waiting, 1 runnable, 2 `run_state`
    last_state,   -- the last one, likewise
    wait_by,      -- the transition that began the wait
    ready_by,     -- the one that ended it, and made the goroutine runnable
    run_by,       -- the one that ended that, and led to `run_state`
    ended_by,     -- the one that ended that; NULL if nothing did, like those before
    run_state,    -- running, syscall or dead; NULL where the plan cannot tell, or while probes were off
    reason,       -- wait reason; NULL unless it waited, and where not known
    stack_id,     -- where the first of them waits, called or gave way; NULL if it did not, or if not taken
    wake,         -- who ended the wait: goroutine, timer, netpoll or runtime; NULL if nothing did
    certain       -- the states that nothing was lost within, and whose end is a legal one: the sum of 1
                  -- for waiting, 2 for runnable and 4 for `run_state`
) AS
WITH waited AS (
    SELECT
        * REPLACE (
            wait_by::event_kind AS wait_by,
            ready_by::event_kind AS ready_by,
            CASE
                WHEN first_state > 0 THEN NULL
                WHEN wait_by IN ('coro_switch', 'create_parked') THEN 'coroutine'
                WHEN wait_by = 'suspend' THEN 'preempted'
                ELSE reason
            END::wait_reason AS reason
        )
    FROM raw_shapes
)
SELECT
    shape,
    first_state,
    last_state,
    wait_by,
    ready_by,
    run_by::event_kind,
    ended_by::event_kind,
    run_state::goroutine_state,
    reason,
    stack_id,
    CASE
        WHEN first_state > 0 OR ready_by IS NULL OR ready_by = 'unseen' THEN NULL
        WHEN wait_by = 'suspend' OR ready_by = 'park_undone' THEN 'runtime'
        WHEN ready_by = 'inject' AND reason = 'IO wait' THEN 'netpoll'
        WHEN told THEN 'goroutine'
        WHEN ready_by = 'inject' OR is_runtime_wait(reason) THEN 'runtime'
        WHEN ready_by = 'ready' THEN 'timer'
    END::waker_kind,
    certain
FROM waited
