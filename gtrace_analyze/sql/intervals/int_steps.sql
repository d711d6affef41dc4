-- Every transition with the state that it leads to and the transition that ends that.
--
-- Grain: one row per goroutine and transition, but for those that end it for good.
-- Cost: sorts all events.
CREATE TEMP VIEW int_steps (
    pid,         -- process
    goid,        -- goroutine
    seq,         -- order of the transitions of one goroutine
    ts,          -- when, ns
    kind,        -- the transition
    tid,         -- thread; NULL where on none
    cpu,         -- processor; NULL where a snapshot says so
    reason,      -- wait reason; NULL unless it begins to wait
    stack_id,    -- stack of who caused the change; NULL if not taken
    pc,          -- code address of the cause; NULL where not known
    obj,         -- address of what it waits on; NULL where not known
    ts_end,      -- when it left the state, ns; NULL if it did not until the end
    ended_by,    -- the transition that ended it; NULL if nothing did
    next_other,  -- the other goroutine of that one; NULL if there is none
    next_stack,  -- the stack of that one; NULL if not taken
    state,       -- the state entered; NULL where the plan cannot tell
    certain,     -- its end is a legal one, and no snapshot was torn
    woken        -- it is a wait, and that which ended it tells who did
) AS
WITH steps AS NOT MATERIALIZED (
    SELECT
        *,
        lead(ts) OVER life AS ts_end,
        lead(kind) OVER life AS ended_by,
        lead(other_goid) OVER life AS next_other,
        lead(stack_id) OVER life AS next_stack
    FROM int_transitions
    WINDOW life AS (PARTITION BY pid, goid ORDER BY seq, ts)
),
judged AS NOT MATERIALIZED (
    SELECT
        s.* EXCLUDE (certain, other_goid),
        k.state,
        s.certain
            AND (s.ended_by IS NULL OR k.state IS NULL OR l.kind IS NOT NULL) AS certain,
        -- Whoever polls the network by the way is not the cause of what comes from there.
        k.state = 'waiting' AND (
            s.ended_by IN ('ready', 'coro_resume')
            OR s.ended_by = 'inject' AND s.reason IS DISTINCT FROM 'IO wait'
        ) AS woken
    FROM steps AS s
    JOIN int_kinds AS k ON k.kind = s.kind
    LEFT JOIN int_legal_transitions AS l ON l.state = k.state AND l.kind = s.ended_by
    WHERE k.state IS DISTINCT FROM 'dead' OR s.ended_by IS NOT NULL
)
SELECT
    pid, goid, seq, ts, kind, tid, cpu, reason, stack_id, pc, obj, ts_end, ended_by, next_other,
    next_stack, state, certain, woken
FROM judged
