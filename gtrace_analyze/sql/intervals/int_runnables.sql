-- The intervals in which goroutines were runnable, after parks that were undone at once included.
--
-- Grain: one row per goroutine and period.
-- Cost: stored in the index.
CREATE TABLE int_runnables (
    pid,       -- process
    goid,      -- goroutine
    ts,        -- when it became runnable, or was first seen to be, ns
    ts_end,    -- when it began to run, ns; NULL if it did not until the end
    began_by,  -- the transition that began it
    ended_by,  -- the transition that ended it; NULL if nothing did
    stack_id,  -- where it gave way; NULL if it did not, or if not taken
    tid,       -- the thread that began it; NULL where on none
    certain    -- nothing was lost within it, and its end is a legal one
) AS
SELECT
    s.pid,
    s.goid,
    s.ts,
    s.ts_end,
    k.kind,
    k.ended_by,
    CASE
        WHEN k.kind IN ('yield', 'syscall_lost_p', 'seen runnable', 'then runnable') THEN s.stack_id
    END,
    s.tid,
    s.certain AND k.legal
FROM raw_runnables AS s
JOIN int_kind_pairs AS k ON k.pair = s.pair
