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
WITH counted AS (
    SELECT state, ended_by, certain, count(*) AS intervals, count(*) FILTER (ts_end < ts) AS backwards
    FROM int_intervals
    WHERE began_by <> 'unseen'
    GROUP BY state, ended_by, certain
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
