-- The same moments on two clocks.
--
-- Grain: one row per reading.
-- Cost: none.
CREATE TEMP VIEW stg_clock (
    mono_ns,   -- CLOCK_MONOTONIC, ns
    wall_ns,   -- wall clock, ns since 1970
    error_ns   -- the reading lies within this, ns
) AS
SELECT mono_ns, wall_ns, error_ns
FROM raw_clock
