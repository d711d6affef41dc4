-- Events as recorded. Most questions are easier to ask of `intervals`.
--
-- Grain: one row per event.
-- Cost: reads the Parquet parts; filters on ts and kind skip what they can.
CREATE TEMP VIEW events (
    ts,          -- when, ns CLOCK_MONOTONIC
    kind,        -- what happened: create, park, ready, run, …
    goid,        -- the goroutine it happened to
    pid,         -- process
    tid,         -- the thread that did it
    cpu,         -- the processor it happened on
    other_goid,  -- create: parent; ready: waker; coro_switch: switched to; NULL where there is none
    reason,      -- park: Go's wait reason; NULL for other kinds
    stack_id,    -- stack of who did it; NULL if not taken
    pc,          -- create: the go statement; park: the caller of gopark; NULL where not known
    obj          -- park: address of what it waits on; create: the start function; NULL otherwise
) AS
SELECT ts, kind, goid, pid, tid, cpu, other_goid, reason, stack_id, pc, obj
FROM stg_events
