-- What `stacks` says of each stack, in numbers.
--
-- Grain: one row per stack.
-- Cost: reads `stacks`.
CREATE TEMP VIEW int_sites (
    stack_id,         -- number of the stack
    site,             -- the smallest stack_id that is the same site
    spot,             -- the smallest stack_id with the same function and system
    function_number,  -- number of the function, in order of their names
    system            -- only the runtime's own functions are on it
) AS
SELECT
    stack_id,
    site,
    min(stack_id) OVER (PARTITION BY function, system),
    dense_rank() OVER (ORDER BY function),
    system
FROM stacks
