-- The states of every goroutine, up to three that follow each other in one row: it waits, then is
-- runnable, then runs. Each ends when the next one begins, and by the same transition. The first ones
-- or the last ones may be missing: they begin and end when, and by what, the first one that is there
-- begins, or the last one ends. So there are a third of the rows that one for each state would make,
-- and half of the values.
--
-- Grain: one row per goroutine and cycle.
-- Cost: stored in the index.
CREATE TABLE int_cycles (
    pid,             -- process
    goid,            -- goroutine
    wait_ts,         -- when it began to wait, or was first seen to, ns
    ready_ts,        -- when that ended, ns; it became runnable, or was first seen to be
    run_ts,          -- when that ended, ns; it entered `run_state`, or was first seen in it
    ts_end,          -- when that ended, ns; NULL, like those before of what did not until the end
    wait_by,         -- the transition that began the wait
    ready_by,        -- the one that ended it, and made it runnable
    run_by,          -- the one that ended that, and led to `run_state`
    ended_by,        -- the one that ended that; NULL if nothing did, like those before
    run_state,       -- running, syscall or dead; NULL where the plan cannot tell, or while probes were
                     -- off
    reason,          -- wait reason; NULL unless it waited, and where not known
    stack_id,        -- where the first of them waits, called or gave way; NULL if it did not, or if not
                     -- taken
    wake,            -- who ended the wait: goroutine, timer, netpoll or runtime; NULL if nothing did
    waker_goid,      -- the goroutine that ended the wait; NULL unless one did
    waker_stack_id,  -- the waker's stack; NULL if not taken
    wait_tid,        -- the thread that began the wait; NULL where on none
    ready_tid,       -- the thread that made it runnable; NULL where on none
    run_tid,         -- the thread that it entered `run_state` on; NULL where on none
    run_cpu,         -- the processor where it did; NULL where a snapshot says so
    pc,              -- the caller of gopark; NULL where not known
    obj,             -- address of what it waits on; NULL where not known
    first_state,     -- the first of them: 0 waiting, 1 runnable, 2 `run_state`
    last_state,      -- the last of them, likewise
    certain          -- those that nothing was lost within, and whose end is a legal one: the sum of 1 for
                     -- waiting, 2 for runnable and 4 for `run_state`
) AS
WITH told AS NOT MATERIALIZED (
    SELECT
        * REPLACE (
            wait_by::event_kind AS wait_by,
            ready_by::event_kind AS ready_by,
            CASE
                WHEN wait_by IN ('coro_switch', 'create_parked') THEN 'coroutine'
                WHEN wait_by = 'suspend' THEN 'preempted'
                ELSE reason
            END::wait_reason AS reason
        ),
        -- Whoever polls the network by the way is not the cause of what comes from there.
        ready_by = 'inject' AND reason = 'IO wait' AS polled
    FROM raw_cycles
)
SELECT
    pid,
    goid,
    wait_ts,
    ready_ts,
    run_ts,
    ts_end,
    wait_by,
    ready_by,
    run_by::event_kind,
    ended_by::event_kind,
    run_state::goroutine_state,
    CASE WHEN first_state = 0 THEN reason END,
    stack_id,
    CASE
        WHEN first_state > 0 OR ready_by IS NULL OR ready_by = 'unseen' THEN NULL
        WHEN wait_by = 'suspend' OR ready_by = 'park_undone' THEN 'runtime'
        WHEN polled THEN 'netpoll'
        WHEN next_other IS NOT NULL THEN 'goroutine'
        WHEN ready_by = 'inject' OR is_runtime_wait(reason) THEN 'runtime'
        WHEN ready_by = 'ready' THEN 'timer'
    END::waker_kind,
    CASE WHEN NOT coalesce(polled, false) THEN next_other END,
    CASE WHEN NOT coalesce(polled, false) THEN next_stack END,
    wait_tid,
    ready_tid,
    run_tid,
    run_cpu,
    pc,
    obj,
    first_state,
    last_state,
    certain
FROM told
