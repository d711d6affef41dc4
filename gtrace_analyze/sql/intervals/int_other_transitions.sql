-- The changes of a goroutine's state that no event tells, with numbers for kinds and reasons.
--
-- Grain: one row per goroutine and change.
-- Cost: reads the snapshots, and some of the events.
CREATE TEMP VIEW int_other_transitions (
    pid,         -- process
    goid,        -- goroutine
    seq,         -- order of the changes of one goroutine
    ts,          -- when, ns
    kind,        -- number of the kind of transition in the type event_kind; see int_kinds
    tid,         -- thread; NULL where on none
    cpu,         -- NULL
    other_goid,  -- NULL
    reason,      -- number of the wait reason in the type wait_reason; NULL unless it begins to wait
    stack_id,    -- stack of who caused the change; NULL if not taken
    pc,          -- NULL
    obj,         -- address of what it waits on; NULL where not known
    certain      -- false where a snapshot was torn
) AS
WITH found AS (
    SELECT pid, goid, -1_000_000 AS seq, ts, kind, tid, reason, stack_id, obj, certain
    FROM int_start_states
    UNION ALL
    SELECT pid, goid, seq, ts, kind, tid, reason, stack_id, obj, certain
    FROM int_sampled_states
    UNION ALL
    SELECT pid, goid, seq, ts, kind, tid, reason, stack_id, obj, certain
    FROM int_window_states
    WHERE NOT same
    UNION ALL
    SELECT pid, goid, seq, ts, kind, tid, reason, stack_id, obj, true
    FROM int_found_states
)
SELECT
    pid, goid, seq, ts, enum_code(kind), tid, NULL, NULL, enum_code(reason), stack_id, NULL, obj,
    certain
FROM found
