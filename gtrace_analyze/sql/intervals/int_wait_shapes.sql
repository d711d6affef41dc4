-- The shapes of cycles that begin with a wait, with what `int_sites` says of their stacks, and numbers
-- for what waits are grouped by, since to group by one number takes half the time.
--
-- Grain: one row per such shape.
-- Cost: stored in the index.
CREATE TABLE int_wait_shapes (
    shape,            -- its number
    began_by,         -- the transition that began the wait
    ended_by,         -- the one that ended it; NULL if nothing did
    reason,           -- wait reason; NULL where not known
    stack_id,         -- where it waits; NULL if not taken
    site,             -- place, see `stacks`; NULL if no stack was taken
    function_number,  -- see `int_sites`; NULL if no stack was taken
    system,           -- a wait in the runtime's own business
    certain,          -- nothing was lost within it, and its end is a legal one
    begun,            -- it was seen to begin
    by_reason,        -- number of system and reason, and of whether it ended and is certain
    by_function,      -- likewise, of function_number instead of reason
    by_stack          -- likewise, of reason, function_number and site
) AS
WITH placed AS (
    SELECT
        s.shape,
        s.wait_by AS began_by,
        s.ready_by AS ended_by,
        s.reason,
        s.stack_id,
        t.site,
        t.function_number,
        coalesce(t.system, false) AS system,
        s.certain & 1 <> 0 AS certain,
        s.wait_by NOT IN ('seen waiting', 'then waiting') AS begun,
        s.ready_by IS NOT NULL AS ended
    FROM int_shapes AS s
    LEFT JOIN int_sites AS t ON t.stack_id = s.stack_id
    WHERE s.first_state = 0
)
SELECT
    * EXCLUDE (ended),
    dense_rank() OVER (ORDER BY system, reason, ended, certain)::INTEGER,
    dense_rank() OVER (ORDER BY system, function_number, ended, certain)::INTEGER,
    dense_rank() OVER (
        ORDER BY system, reason, function_number, site, ended, certain
    )::INTEGER
FROM placed
