-- The innermost name of every code address that has one.
--
-- Grain: one row per binary and address.
-- Cost: reads one small file.
CREATE TEMP VIEW int_places (
    exe,       -- binary
    pc,        -- code address
    function,  -- Go name; NULL where the binary does not tell
    file,      -- source file; NULL where the binary does not tell
    line       -- line in it; NULL where the binary does not tell
) AS
SELECT exe, pc, function, file, line
FROM stg_symbols
WHERE depth = 0
