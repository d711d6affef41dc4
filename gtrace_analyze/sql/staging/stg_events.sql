-- Events as recorded, typed.
--
-- Grain: one row per event.
-- Cost: reads the Parquet parts; filters on ts and kind skip what they can.
CREATE TEMP VIEW stg_events (
    ts,          -- when, ns CLOCK_MONOTONIC
    seq,         -- position in the recording; per goroutine, the order in which things happened
    kind,        -- what happened; see stg_event_kinds
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
SELECT
    ts,
    seq,
    kind::VARCHAR,
    goid,
    pid,
    tid,
    cpu,
    other_goid,
    reason::VARCHAR,
    stack_id,
    pc,
    obj
FROM raw_events
