-- The tables beside the events that should be there and are not.
--
-- Grain: one row per table.
-- Cost: none.
CREATE TEMP VIEW stg_missing_tables (
    name,   -- stacks, symbols, goroutines, gaps or health
    untold  -- what cannot be told without it
) AS
SELECT name, untold
FROM raw_missing_tables
