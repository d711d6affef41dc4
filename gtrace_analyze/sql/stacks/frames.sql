-- Stacks frame by frame, with names.
--
-- Grain: one row per stack and frame, inlined frames counted as their own.
-- Cost: stored in the index.
CREATE TABLE frames (
    stack_id,  -- number of the stack
    frame,     -- 0 is the innermost
    pc,        -- code address
    function,  -- Go name with package path; the address where the binary does not tell
    file,      -- source file; NULL where the binary does not tell
    line,      -- line in it; NULL where the binary does not tell
    inlined    -- this frame is inlined into the next one
) AS
WITH addresses AS (
    SELECT stack_id, exe, unnest(pcs) AS pc, generate_subscripts(pcs, 1) AS position
    FROM stg_stacks
)
SELECT
    a.stack_id,
    row_number() OVER (PARTITION BY a.stack_id ORDER BY a.position, s.depth) - 1,
    a.pc,
    coalesce(s.function, format('0x{:x}', a.pc)),
    s.file,
    s.line,
    coalesce(s.inlined, false)
FROM addresses AS a
LEFT JOIN stg_symbols AS s ON s.exe = a.exe AND s.pc = a.pc
