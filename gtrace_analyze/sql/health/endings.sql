-- How often each state was ended by each transition.
--
-- Grain: one row per state, transition and certainty.
-- Cost: stored in the index.
CREATE TABLE endings (
    state,      -- the state left; NULL where the plan cannot tell
    ended_by,   -- the transition; NULL: still in that state at the end
    legal,      -- whether this can happen in Go's scheduler
    certain,    -- nothing was lost within the interval
    intervals,  -- how many
    backwards   -- how many of them ended before they began
) AS
WITH shaped AS (
    SELECT
        shape,
        count(*) AS cycles,
        count(*) FILTER (ready_ts < wait_ts) AS waits_backwards,
        count(*) FILTER (run_ts < ready_ts) AS runnables_backwards,
        count(*) FILTER (ts_end < run_ts) AS runs_backwards
    FROM int_cycles
    GROUP BY shape
),
told AS (
    SELECT
        n.slot,
        CASE n.slot WHEN 0 THEN 'waiting' WHEN 1 THEN 'runnable' ELSE s.run_state::VARCHAR END AS state,
        CASE n.slot WHEN 0 THEN s.wait_by WHEN 1 THEN s.ready_by ELSE s.run_by END AS began_by,
        CASE n.slot WHEN 0 THEN s.ready_by WHEN 1 THEN s.run_by ELSE s.ended_by END AS ended_by,
        s.certain & (1 << n.slot) <> 0 AS certain,
        c.cycles,
        CASE n.slot
            WHEN 0 THEN c.waits_backwards WHEN 1 THEN c.runnables_backwards ELSE c.runs_backwards
        END AS backwards
    FROM shaped AS c
    JOIN int_shapes AS s ON s.shape = c.shape
    JOIN (VALUES (0), (1), (2)) AS n (slot) ON n.slot BETWEEN s.first_state AND s.last_state
),
counted AS (
    SELECT
        state::goroutine_state AS state,
        ended_by,
        certain,
        sum(cycles)::BIGINT AS intervals,
        sum(backwards)::BIGINT AS backwards
    FROM told
    WHERE began_by <> 'unseen'
    GROUP BY ALL
)
SELECT
    c.state,
    c.ended_by,
    c.ended_by IS NULL OR c.state IS NULL OR l.kind IS NOT NULL,
    c.certain,
    c.intervals,
    c.backwards
FROM counted AS c
LEFT JOIN int_legal_transitions AS l ON l.state = c.state AND l.kind = c.ended_by
