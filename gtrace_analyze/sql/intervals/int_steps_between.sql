-- The steps of the goroutines from goid `low` on and below `high`; the columns are those of `int_steps`.
CREATE TEMP MACRO int_steps_between(low, high) AS TABLE
-- One sort by goroutine, and then each row with the one after it: windows with an order of their own
-- take twice as long. So the index is in this order, too, and what one goroutine did is found in a few
-- blocks of it.
WITH sorted AS NOT MATERIALIZED (
    FROM int_transitions
    WHERE goid >= low AND goid < high
    ORDER BY pid, goid, seq
),
followed AS NOT MATERIALIZED (
    SELECT
        *,
        lead(goid) OVER () = goid AND lead(pid) OVER () = pid AS goes_on,
        lead(ts) OVER () AS next_ts,
        lead(kind) OVER () AS next_kind,
        lead(other_goid) OVER () AS next_other_goid,
        lead(stack_id) OVER () AS next_stack_id
    FROM sorted
),
steps AS NOT MATERIALIZED (
    SELECT
        * EXCLUDE (goes_on, next_ts, next_kind, next_other_goid, next_stack_id),
        CASE WHEN goes_on THEN next_ts END AS ts_end,
        CASE WHEN goes_on THEN next_kind END AS ended_by,
        CASE WHEN goes_on THEN next_other_goid END AS next_other,
        CASE WHEN goes_on THEN next_stack_id END AS next_stack
    FROM followed
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
    WHERE k.state IS DISTINCT FROM 'dead' OR s.ended_by IS NOT NULL AND l.kind IS NULL
)
SELECT
    pid, goid, seq, ts, kind, tid, cpu, reason, stack_id, pc, obj, ts_end, ended_by, next_other,
    next_stack, state, certain, woken
FROM judged
