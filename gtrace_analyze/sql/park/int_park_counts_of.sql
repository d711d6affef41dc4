-- The rows of `int_park_observations_of` for the rows of `int_waits_of` in `source`, counted by part
-- and length: none if `which` level of `park_stats` is channel. Lengths are rounded down as
-- `park_survival_of` says, to be few.
CREATE TEMP MACRO int_park_counts_of(source, which) AS TABLE
SELECT
    part,
    -- All but its first nine binary digits are 0.
    seen_ns & -(1::BIGINT << greatest(floor(log2(greatest(seen_ns, 1)))::INTEGER - 8, 0)) AS seen_ns,
    ended,
    count(*) AS waits
FROM int_park_observations_of(source)
WHERE which <> 'channel'
GROUP BY ALL
