-- Stacks as recorded.
--
-- Grain: one row per stack.
-- Cost: reads one small file.
CREATE TEMP VIEW stg_stacks (
    stack_id,  -- number of the stack
    exe,       -- the binary its addresses belong to
    pcs        -- code addresses, innermost first
) AS
SELECT stack_id, exe, pcs
FROM raw_stacks
