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
-- One sort by goroutine, not one for each of many partitions: so the index is in this order, and what
-- one goroutine did is found in a few blocks of it.
WITH sorted AS NOT MATERIALIZED (
    SELECT
        *,
        coalesce(lead(goid) OVER lives = goid AND lead(pid) OVER lives = pid, false) AS goes_on,
        lead(ts) OVER lives AS next_ts,
        lead(kind) OVER lives AS next_kind,
        lead(other_goid) OVER lives AS next_other_goid,
        lead(stack_id) OVER lives AS next_stack_id
    FROM int_transitions
    WINDOW lives AS (ORDER BY pid, goid, seq)
),
steps AS NOT MATERIALIZED (
    SELECT
        * EXCLUDE (goes_on, next_ts, next_kind, next_other_goid, next_stack_id),
        CASE WHEN goes_on THEN next_ts END AS ts_end,
        CASE WHEN goes_on THEN next_kind END AS ended_by,
        CASE WHEN goes_on THEN next_other_goid END AS next_other,
        CASE WHEN goes_on THEN next_stack_id END AS next_stack
    FROM sorted
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
            OR s.ended_by = 'inject' AND s.reason::VARCHAR IS DISTINCT FROM 'IO wait'
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
