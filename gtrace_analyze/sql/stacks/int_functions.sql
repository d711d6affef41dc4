-- The names of the function numbers of `int_sites`.
--
-- Grain: one row per function that a stack is in.
-- Cost: reads `stacks`.
CREATE TEMP VIEW int_functions (
    function_number,  -- number of the function
    function          -- Go name with package path
) AS
SELECT DISTINCT i.function_number, s.function
FROM int_sites AS i
JOIN stacks AS s ON s.stack_id = i.stack_id
