-- What the numbers of `int_wait_shapes` are of, at the levels of `park_stats` that have one.
--
-- Grain: one row per level and number.
-- Cost: reads `int_wait_shapes`.
CREATE TEMP VIEW int_wait_parts (
    level,            -- reason, function or stack
    part,             -- the number: by_reason, by_function or by_stack
    system,           -- a wait in the runtime's own business
    reason,           -- wait reason; NULL at level function and where not known
    function_number,  -- see `int_sites`; NULL at level reason and if no stack was taken
    site,             -- place, see `stacks`; NULL but at level stack and if no stack was taken
    certain,          -- nothing was lost within it, and its end is a legal one
    ended             -- it did, before the recording
) AS
WITH shapes AS (
    SELECT *, ended_by IS NOT NULL AS ended FROM int_wait_shapes
)
SELECT DISTINCT
    'reason', by_reason, system, reason, NULL::BIGINT, NULL::INTEGER, certain, ended
FROM shapes
UNION ALL
SELECT DISTINCT 'function', by_function, system, NULL, function_number, NULL, certain, ended
FROM shapes
UNION ALL
SELECT DISTINCT 'stack', by_stack, system, reason, function_number, site, certain, ended
FROM shapes
