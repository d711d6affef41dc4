-- The intervals in which goroutines were running, in a system call, or nobody knows what.
--
-- Grain: one row per goroutine and period in one state, or unseen. Being dead is no period, unless
-- something is said to have ended it that cannot.
-- Cost: stored in the index.
CREATE TABLE int_runs (
    pid,       -- process
    goid,      -- goroutine
    state,     -- running, syscall or dead; NULL where the plan cannot tell, or while probes were off
    ts,        -- when it entered the state, or was first seen in it, ns
    ts_end,    -- when it left, ns; NULL if it did not until the end
    began_by,  -- the transition that began it
    ended_by,  -- the transition that ended it; NULL if nothing did
    stack_id,  -- where it called or gave way; NULL if it did not, or if not taken
    tid,       -- the thread that began it; NULL where on none
    cpu,       -- the processor where it began; NULL where a snapshot says so
    certain    -- nothing was lost within it, and its end is a legal one
) AS
SELECT
    s.pid,
    s.goid,
    k.state,
    s.ts,
    s.ts_end,
    k.kind,
    k.ended_by,
    CASE
        WHEN k.kind IN (
            'yield', 'syscall_enter', 'syscall_lost_p', 'seen runnable', 'seen syscall',
            'then runnable', 'then syscall'
        ) THEN s.stack_id
    END,
    s.tid,
    s.cpu,
    s.certain AND k.legal
FROM raw_runs AS s
JOIN int_kind_pairs AS k ON k.pair = s.pair
-- Where what was found tells at once how it went on.
WHERE k.kind <> 'unseen' OR s.ts_end IS DISTINCT FROM s.ts
