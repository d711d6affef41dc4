-- Every change of a goroutine's state. A coro_switch changes two: the other's kind is coro_resume.
--
-- Grain: one row per goroutine and change.
-- Cost: reads all events.
CREATE TEMP VIEW int_transitions (
    pid,         -- process
    goid,        -- goroutine
    seq,         -- order of the changes of one goroutine
    ts,          -- when, ns
    kind,        -- kind of transition; see int_kinds
    tid,         -- thread; NULL where on none
    cpu,         -- processor; NULL where a snapshot says so
    other_goid,  -- parent, waker or coroutine switched from or to; NULL where there is none
    reason,      -- wait reason; NULL unless it begins to wait
    stack_id,    -- stack of who caused the change; NULL if not taken
    pc,          -- code address of the cause; NULL where not known
    obj,         -- address of what it waits on; NULL where not known
    certain      -- false where a snapshot was torn
) AS
SELECT
    pid, goid, seq, ts, kind::event_kind, tid, cpu, other_goid, reason::wait_reason, stack_id, pc,
    obj, true
FROM stg_events
UNION ALL
SELECT
    pid, other_goid, seq, ts, 'coro_resume'::event_kind, tid, cpu, goid, NULL, stack_id, pc, NULL, true
FROM stg_events
WHERE kind = 'coro_switch' AND other_goid IS NOT NULL
UNION ALL
SELECT
    pid, goid, -1_000_000, ts, kind, tid, NULL, NULL, reason, stack_id, NULL, obj, certain
FROM int_start_states
UNION ALL
SELECT
    pid, goid, seq, ts, kind, tid, NULL, NULL, reason, stack_id, NULL, obj, certain
FROM int_sampled_states
UNION ALL
SELECT
    pid, goid, seq, ts, kind, tid, NULL, NULL, reason, stack_id, NULL, obj, certain
FROM int_window_states
WHERE NOT same
UNION ALL
SELECT
    pid, goid, seq, ts, kind, tid, NULL, NULL, reason, stack_id, NULL, obj, true
FROM int_found_states
