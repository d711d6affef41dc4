-- How many waits were how long, for some of the waits (see `selected_waits`). The columns are those
-- of `park_histogram`.
CREATE TEMP MACRO park_histogram_of(t0, t1, goids, pattern) AS TABLE
WITH chosen AS MATERIALIZED (
    FROM int_waits_of(t0, t1, goids, pattern)
),
lengths AS (
    FROM int_wait_lengths_of('chosen')
)
FROM int_park_binned_of('lengths')
