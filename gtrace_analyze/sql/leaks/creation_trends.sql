-- How the goroutines of each go statement became more or fewer during the recording.
--
-- The number alive is taken at 41 moments, evenly spread. A burst does not move the trend: it is the
-- median of the slopes between all pairs of moments (Theil and Sen).
--
-- Grain: one row per process and go statement.
-- Cost: stored in the index.
CREATE TABLE creation_trends (
    pid,           -- process
    created_at,    -- file:line of the go statement
    created_by,    -- function that contains it; NULL where not known
    created,       -- goroutines that it made during the recording
    ended,         -- of all that it made, those that ended during the recording
    growth_per_s,  -- how many more become alive per second, by the median of slopes
    rises          -- Kendall's tau with time: 1 where each moment has more alive than the one before
) AS
FROM creation_trends_between(getvariable('started_ts'), getvariable('ended_ts'))
