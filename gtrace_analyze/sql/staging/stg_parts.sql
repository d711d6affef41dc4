-- The files of events.
--
-- Grain: one row per file.
-- Cost: none.
CREATE TEMP VIEW stg_parts (
    name,     -- file name
    events,   -- events in it; NULL if it cannot be read
    bytes,    -- size, bytes; NULL if it is not there
    damage    -- what is wrong with it; NULL if nothing
) AS
SELECT name, events, bytes, damage
FROM raw_parts
