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
    shape,           -- which states these are, by what they begin and end, and where: see `int_shapes`
    waker_goid,      -- the goroutine that is named as having ended the wait; NULL if none is, or if it
                     -- did no more than poll the network by the way
    waker_stack_id,  -- its stack; NULL if not taken
    wait_tid,        -- the thread that began the wait; NULL where on none
    ready_tid,       -- the thread that made it runnable; NULL where on none
    run_tid,         -- the thread that it entered `run_state` on; NULL where on none
    run_cpu,         -- the processor where it did; NULL where a snapshot says so
    pc,              -- the caller of gopark; NULL where not known
    obj              -- address of what it waits on; NULL where not known
) AS
SELECT
    pid, goid, wait_ts, ready_ts, run_ts, ts_end, shape, next_other, next_stack, wait_tid, ready_tid,
    run_tid, run_cpu, pc, obj
FROM raw_cycles
