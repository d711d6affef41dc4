-- How long goroutines waited, by `which` (reason, function, stack or channel), for some of the waits
-- (see `selected_waits`). The columns are those of `park_stats`.
CREATE TEMP MACRO park_stats_at(t0, t1, goids, pattern, which) AS TABLE
WITH chosen AS NOT MATERIALIZED (
    FROM int_waits_of(t0, t1, goids, pattern)
),
lengths AS MATERIALIZED (
    FROM int_wait_lengths_of('chosen')
    WHERE which <> 'channel'
),
parts AS (
    FROM int_park_parts_at('chosen', which)
),
groups AS (
    FROM int_park_groups_of('parts')
)
FROM int_park_level_of('groups', 'lengths', which)
