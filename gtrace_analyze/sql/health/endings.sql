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
SELECT
    i.state,
    i.ended_by,
    i.ended_by IS NULL OR i.state IS NULL OR any_value(l.kind) IS NOT NULL,
    i.certain,
    count(*),
    count(*) FILTER (i.ts_end < i.ts)
FROM int_intervals AS i
LEFT JOIN int_legal_transitions AS l ON l.state = i.state AND l.kind = i.ended_by
WHERE i.began_by <> 'unseen'
GROUP BY i.state, i.ended_by, i.certain
