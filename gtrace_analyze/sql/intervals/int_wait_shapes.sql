-- The shapes of cycles that begin with a wait, with what `int_sites` says of their stacks.
--
-- Grain: one row per such shape.
-- Cost: reads `int_shapes` and `stacks`.
CREATE TEMP VIEW int_wait_shapes (
    shape,            -- its number
    began_by,         -- the transition that began the wait
    ended_by,         -- the one that ended it; NULL if nothing did
    reason,           -- wait reason; NULL where not known
    stack_id,         -- where it waits; NULL if not taken
    site,             -- place, see `stacks`; NULL if no stack was taken
    function_number,  -- see `int_sites`; NULL if no stack was taken
    system,           -- a wait in the runtime's own business
    certain           -- nothing was lost within it, and its end is a legal one
) AS
SELECT
    s.shape,
    s.wait_by,
    s.ready_by,
    s.reason,
    s.stack_id,
    t.site,
    t.function_number,
    coalesce(t.system, false),
    s.certain & 1 <> 0
FROM int_shapes AS s
LEFT JOIN int_sites AS t ON t.stack_id = s.stack_id
WHERE s.first_state = 0
