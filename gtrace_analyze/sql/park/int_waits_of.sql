-- The rows of `int_numbered_waits` that `selected_waits` selects, by the same columns but for stack_id.
CREATE TEMP MACRO int_waits_of(t0, t1, goids, pattern) AS TABLE
WITH all_waits AS NOT MATERIALIZED (
    FROM int_numbered_waits
)
SELECT * EXCLUDE (stack_id)
FROM int_selected_of('all_waits', t0, t1, goids, pattern)
