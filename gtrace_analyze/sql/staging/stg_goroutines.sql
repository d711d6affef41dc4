-- Goroutines as read from the target's memory.
--
-- Grain: one row per snapshot and goroutine.
-- Cost: reads one file.
CREATE TEMP VIEW stg_goroutines (
    snapshot,     -- number of the snapshot, from 0
    ts,           -- just after this goroutine was read, ns
    pid,          -- process
    goid,         -- goroutine
    status,       -- the runtime's own status
    reason,       -- wait reason; NULL unless waiting
    waitsince,    -- about since when it is blocked, as Go's garbage collector noted it (see
                  -- int_noted_waits), ns; NULL if it did not
    parent_goid,  -- its creator; NULL before Go 1.21 and where the runtime made it
    gopc,         -- the go statement that made it, a code address; NULL where there is none
    startpc,      -- its start function, a code address; NULL where there is none
    stack_id,     -- its stack; NULL while running
    obj,          -- address of what it waits on; NULL where not known
    select_objs,  -- the channels a select waits on; NULL unless in a select
    chan_len,     -- elements queued in the channel; NULL where obj is none
    chan_cap,     -- capacity of the channel; NULL where obj is none
    chan_closed,  -- the channel is closed; NULL where obj is none
    reachable,    -- something that can run refers to obj or select_objs; NULL where not searched
    holders,      -- how many hold up obj of package sync; NULL where it is none
    refers,       -- what others wait for and its stack points at: it may hold them; NULL for none
    labels,       -- pprof labels; NULL where there are none
    tid,          -- the thread it is on; NULL where on none
    certain       -- false where it changed while it was read
) AS
SELECT
    snapshot,
    ts,
    pid,
    goid,
    status::VARCHAR,
    reason::wait_reason,
    waitsince,
    parent_goid,
    gopc,
    startpc,
    stack_id,
    obj,
    select_objs,
    chan_len,
    chan_cap,
    chan_closed,
    reachable,
    holders,
    refers,
    labels,
    tid,
    certain
FROM raw_goroutines
