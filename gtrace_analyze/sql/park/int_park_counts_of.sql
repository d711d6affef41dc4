-- The rows of `int_park_observations_of` for the rows of `int_waits_of` in `source`, counted by what
-- `which` level of `park_stats` groups them by and by length; of those at level stack the counts at
-- the others can be made. Lengths are rounded down as `park_survival_of` says, to be few. Shapes that
-- show the same have rows of their own.
CREATE TEMP MACRO int_park_counts_of(source, which) AS TABLE
WITH counted AS (
    SELECT
        shape,
        -- All but its first nine binary digits are 0.
        seen_ns & -(1::BIGINT << greatest(floor(log2(greatest(seen_ns, 1)))::INTEGER - 8, 0)) AS seen_ns,
        ended,
        count(*) AS waits
    FROM int_park_observations_of(source)
    WHERE which <> 'channel'
    GROUP BY ALL
)
SELECT
    s.system,
    CASE WHEN which <> 'function' THEN s.reason END AS reason,
    CASE WHEN which <> 'reason' THEN s.function_number END AS function_number,
    CASE WHEN which = 'stack' THEN s.site END AS site,
    c.seen_ns,
    c.ended,
    c.waits
FROM counted AS c
JOIN int_wait_shapes AS s ON s.shape = c.shape
