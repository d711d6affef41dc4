-- How long goroutines waited for a processor, by `which` (all, cause, function or site), for some of
-- the periods (see `selected_runnables`). The columns are those of `latency_stats`.
CREATE TEMP MACRO latency_stats_at(t0, t1, goids, pattern, which) AS TABLE
WITH chosen AS NOT MATERIALIZED (
    FROM int_runnables_of(t0, t1, goids, pattern)
),
parts AS (
    FROM int_latency_parts_at('chosen', which)
),
groups AS (
    FROM int_latency_groups_of('parts')
)
FROM int_latency_named_of('groups')
