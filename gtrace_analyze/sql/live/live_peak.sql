-- The most of the program's goroutines that were alive at once.
--
-- Grain: one row.
-- Cost: stored in the index.
CREATE TABLE live_peak (
    live,  -- how many
    ts     -- when they first were, ns; NULL if there were none
) AS
FROM live_peak_between(getvariable('started_ts'), getvariable('ended_ts'))
