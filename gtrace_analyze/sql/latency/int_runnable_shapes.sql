-- The shapes of cycles in which a goroutine is runnable. After a park that was undone at once it is not,
-- since such a goroutine is never queued.
--
-- Grain: one row per such shape.
-- Cost: reads `int_shapes`.
CREATE TEMP VIEW int_runnable_shapes (
    shape,         -- its number
    cause_number,  -- why it is runnable, see `int_cause_number_of`
    certain,       -- nothing was lost within it, and its end is a legal one
    outcome        -- the sum of 2 if certain and 1 if it ended
) AS
SELECT
    shape,
    int_cause_number_of(ready_by),
    certain & 2 <> 0,
    (certain & 2) + (run_by IS NOT NULL)::INTEGER
FROM int_shapes
WHERE first_state <= 1 AND last_state >= 1 AND ready_by <> 'park_undone'
