-- Names of code addresses.
--
-- Grain: one row per address and inlined frame.
-- Cost: reads one small file.
CREATE TEMP VIEW stg_symbols (
    exe,       -- binary
    pc,        -- code address
    depth,     -- 0 is the innermost frame at this address; its inlined callers follow
    function,  -- Go name with package path; NULL where the binary does not tell
    file,      -- source file; NULL where the binary does not tell
    line,      -- line in it; NULL where the binary does not tell
    inlined    -- this frame is inlined into the next depth
) AS
SELECT exe, pc, depth, function, file, line, inlined
FROM raw_symbols
