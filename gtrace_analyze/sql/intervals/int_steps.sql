-- The steps of a chunk of the recording (see `_steps.py`) with the state that they are: one row per
-- goroutine and transition, but for those that end a life.
CREATE TEMP MACRO int_steps() AS TABLE
SELECT s.*, k.state
FROM raw_steps AS s
JOIN int_kind_pairs AS k ON k.pair = s.pair
