-- Every transition in a chunk of the recording (see `_steps.py`) with the state that it leads to and
-- the transition that ends that: one row per goroutine and transition, but for those that end a life.
CREATE TEMP MACRO int_steps() AS TABLE
SELECT
    r.pid,
    r.goid,
    r.ts,
    k.kind,
    r.tid,
    r.cpu,
    r.reason::wait_reason AS reason,
    r.stack_id,
    r.pc,
    r.obj,
    r.ts_end,
    k.ended_by,
    r.next_other,
    r.next_stack,
    k.state,
    -- Its end is a legal one, and no snapshot was torn.
    r.certain AND k.legal AS certain,
    -- Whoever polls the network by the way is not the cause of what comes from there.
    k.woken AND (k.ended_by <> 'inject' OR r.reason IS DISTINCT FROM 'IO wait') AS woken
FROM raw_steps AS r
JOIN int_kind_pairs AS k ON k.pair = r.pair
